import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { unzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import { type DicomElement, TransferSyntax } from '../../infra/demo/dicom.elements.ts';
import { implicitRepresentations } from '../../src/dicom/implicit.representations.js';
import { recordKeysOf } from '../../src/dicom/media/directory.keys.js';
import { MediaDirectory } from '../../src/dicom/media/media.directory.js';
import { readInPassing } from '../../src/dicom/media/read.in.passing.js';
import { recordTypeOf } from '../../src/dicom/media/record.types.js';
import { centralEntry, endOfArchive, localHeader } from '../../src/dicomweb/archive/zip.records.js';
import { writeZip, type ZipFile } from '../../src/dicomweb/archive/zip.writer.js';
import { readDirectory } from './dicomdir.reading.ts';
import { code, item } from './report.files.ts';

const STORAGE = '1.2.840.10008.5.1.4.1.1.';
/** A SOP Class of each record type, with the elements that its records copy. */
const KINDS: readonly (readonly [end: string, type: string, extra: readonly DicomElement[]])[] = [
  ['2', 'IMAGE', []],
  ['66.4', 'IMAGE', []],
  ['9999', 'IMAGE', []],
  ['481.2', 'RT DOSE', [element('3004000A', 'CS', 'FRACTION')]],
  ['481.3', 'RT STRUCTURE SET', [element('30060002', 'SH', 'LUNG')]],
  ['481.5', 'RT PLAN', [element('300A0002', 'SH', 'PLAN')]],
  ['481.9', 'RT TREAT RECORD', []],
  ['481.12', 'RADIOTHERAPY', []],
  ['481.24', 'IMAGE', []],
  ['11.1', 'PRESENTATION', [element('00700080', 'CS', 'LABEL'), element('00700082', 'DA', '20240101')]],
  ['9.1.1', 'WAVEFORM', []],
  ['88.59', 'KEY OBJECT DOC', [code('0040A043', '113000', 'DCM', 'Of Interest')]],
  ['88.11', 'SR DOCUMENT', [{ tag: '0040A730', vr: 'SQ', value: { items: [item('TEXT', 'Finding')] } }]],
  ['70.1', 'SR DOCUMENT', []],
  ['78.7', 'MEASUREMENT', []],
  ['4.2', 'SPECTROSCOPY', [element('00280010', 'US', [7])]],
  ['66', 'RAW DATA', []],
  ['66.1', 'REGISTRATION', []],
  ['66.2', 'FIDUCIAL', []],
  ['66.5', 'SURFACE', []],
  ['66.6', 'TRACT', []],
  ['67', 'VALUE MAP', []],
  ['68.1', 'SURFACE SCAN', []],
  ['77.1.5.3', 'STEREOMETRIC', []],
  ['90.1', 'ASSESSMENT', []],
  ['91.1', 'ANNOTATION', []],
  ['104.1', 'ENCAP DOC', [element('00420011', 'OB', Buffer.alloc(64))]],
];

const uid = fc
  .array(fc.integer({ min: 0, max: 999_999_999 }), { minLength: 6, maxLength: 6 })
  .map((parts) => ['1.2', ...parts].join('.'));
const syntax = fc.constantFrom(
  TransferSyntax.explicitLittle,
  TransferSyntax.implicitLittle,
  TransferSyntax.explicitBig,
  TransferSyntax.deflated,
);

async function* inPieces(bytes: Buffer, length: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

describe('the DICOMDIR of a study', () => {
  it('has a record with all its keys for each file, in any mixture of objects and encodings', async () => {
    const representationOf = await implicitRepresentations();
    const object = fc.record({
      kind: fc.constantFrom(...KINDS),
      series: fc.nat(3),
      sopUid: uid,
      transferSyntax: syntax,
      number: fc.option(fc.nat(9999), { nil: undefined }),
    });
    const study = fc.record({
      studyUid: uid,
      seriesUids: fc.uniqueArray(uid, { minLength: 4, maxLength: 4 }),
      objects: fc.uniqueArray(object, { minLength: 1, maxLength: 12, selector: ({ sopUid }) => sopUid }),
      piece: fc.integer({ min: 50, max: 5000 }),
    });
    await fc.assert(
      fc.asyncProperty(study, async ({ studyUid, seriesUids, objects, piece }) => {
        const directory = new MediaDirectory(studyUid);
        for (const [index, { kind, series, sopUid, transferSyntax, number }] of objects.entries()) {
          const [end, , extra] = kind;
          const identity = { studyUid, seriesUid: seriesUids[series] ?? '', sopUid };
          const sopClassUid = `${STORAGE}${end}`;
          const options = { ...identity, sopClassUid, transferSyntax, frames: end === '2' ? 1 : 0 };
          const file = makeInstance({ ...options, instanceNumber: number, extra: [...extra] });
          const fileId = ['DICOM', 'ST000001', `SE00000${series}`, `IM00000${index.toString(36)}`];
          const passed: Buffer[] = [];
          const pass = readInPassing(inPieces(file, piece), representationOf, (values) =>
            directory.add({ ...options, fileId, values }),
          );
          for await (const bytes of pass) passed.push(bytes);
          expect(Buffer.concat(passed).equals(file)).toBe(true);
        }
        const [patient, ...others] = readDirectory(Buffer.concat(directory.pieces('2.25.1')));
        expect([patient?.type, others.length, patient?.below.length]).toEqual(['PATIENT', 0, 1]);
        expect(patient?.below[0]?.text(0x0020000d)).toBe(studyUid);
        const found = (patient?.below[0]?.below ?? []).flatMap((series) =>
          series.below.map((record) => [series, record] as const),
        );
        expect(found).toHaveLength(objects.length);
        for (const [series, record] of found) {
          const object = objects.find(({ sopUid }) => sopUid === record.text(0x00041511));
          expect(record.type).toBe(object?.kind[1]);
          expect(series.text(0x0020000e)).toBe(seriesUids[object?.series ?? 0]);
          expect(record.text(0x00041512)).toBe(object?.transferSyntax);
          expect(record.tags).toEqual(record.tags.toSorted((one, other) => one - other));
          const type = recordTypeOf(record.text(0x00041510));
          for (const key of recordKeysOf(type)) {
            if (key.type < 3) expect(record.tags).toContain(key.tag);
            if (key.type === 1) expect(record.text(key.tag)).not.toBe('');
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it.each([
    ['3004000A', 3, 'FRACTION'],
    ['30060002', 4, 'LUNG'],
    ['300A0002', 5, 'PLAN'],
    ['00700080', 9, 'LABEL'],
    ['00420012', 26, 'application/pdf'],
    ['0040A730', 12, ''],
  ])('copies the element %s', async (tag, at, value) => {
    const [end, , extra] = KINDS[at] ?? ['', '', []];
    const uids = { studyUid: '1.2.3', seriesUid: '1.2.3.4', sopUid: '1.2.3.4.5' };
    const options = { ...uids, sopClassUid: `${STORAGE}${end}`, frames: 0, extra: [...extra] };
    const record = await recordOf(makeInstance(options), options.sopClassUid);
    expect(record?.text(Number.parseInt(tag, 16))).toBe(value);
  });

  it('has the modifiers of the title of a document, but not its content', async () => {
    const items = [item('CODE', 'Modifier', [], [], 'HAS CONCEPT MOD'), item('TEXT', 'Finding')];
    const extra = [{ tag: '0040A730', vr: 'SQ', value: { items } }];
    const record = await recordOf(makeInstance({ frames: 0, extra }), `${STORAGE}88.59`);
    expect(record?.text(0x0040a730)).toMatch(/HAS CONCEPT MOD.*Modifier/s);
    expect(record?.text(0x0040a730)).not.toContain('Finding');
  });

  it('has a record for a file that cannot be read', async () => {
    const record = await recordOf(Buffer.alloc(500, 'x'), `${STORAGE}2`);
    expect([record?.type, record?.text(0x00200013)]).toEqual(['IMAGE', '1']);
  });

  it('has the patient of a file whose header is longer than it may keep', async () => {
    const extra = [element('00660002', 'OB', Buffer.alloc(5 * 1024 * 1024))];
    const file = makeInstance({ instanceNumber: 77, frames: 0, extra });
    expect((await recordOf(file, `${STORAGE}66.5`))?.text(0x00200013)).toBe('77');
  });
});

/** The record of a file. It is the only one of its directory. */
async function recordOf(file: Buffer, sopClassUid: string) {
  const directory = new MediaDirectory('1.2.3');
  const ids = {
    sopClassUid,
    sopUid: '1.2.3.4.5',
    seriesUid: '1.2.3.4',
    transferSyntax: '1.2',
    fileId: ['A'],
  };
  const pass = readInPassing(inPieces(file, 4096), await implicitRepresentations(), (values) =>
    directory.add({ ...ids, values }),
  );
  for await (const _ of pass);
  const [patient] = readDirectory(Buffer.concat(directory.pieces('2.25.1')));
  return patient?.below[0]?.below[0]?.below[0];
}

function opened(bytes: Buffer, isKnown: boolean, pieceLength: number) {
  return {
    length: isKnown ? bytes.length : undefined,
    stream: Readable.from(inPieces(bytes, pieceLength), { objectMode: false }),
  };
}

/** A file that says whether it is open. `order`: the names in the order of their opening. */
class CountedFile implements ZipFile {
  static readonly order: string[] = [];
  state: 'waits' | 'open' | 'closed' = 'waits';
  readonly ahead: number;

  constructor(
    readonly name: string,
    private readonly size: number,
  ) {
    this.ahead = size;
  }

  open = async () => {
    CountedFile.order.push(this.name);
    this.state = 'open';
    const bytes = opened(Buffer.alloc(this.size), true, 64 * 1024);
    bytes.stream.once('close', () => (this.state = 'closed'));
    return Promise.resolve(bytes);
  };
}

describe('a ZIP archive', () => {
  it('has the files as they are, whether their length is known or not', async () => {
    const file = fc.record({
      bytes: fc.uint8Array({ maxLength: 3000 }),
      isKnown: fc.boolean(),
      ahead: fc.boolean(),
      piece: fc.integer({ min: 1, max: 1000 }),
    });
    await fc.assert(
      fc.asyncProperty(file, fc.array(file, { maxLength: 6 }), async (first, rest) => {
        const all = [first, ...rest];
        const zipFile = ({ bytes, isKnown, ahead, piece }: typeof first, at: number): ZipFile => ({
          name: `DICOM/${at}`,
          ahead: ahead ? bytes.length : undefined,
          open: () => Promise.resolve(opened(Buffer.from(bytes), isKnown, piece)),
        });
        const stream = await writeZip([zipFile(first, 0), ...rest.map((one, at) => zipFile(one, at + 1))]);
        const archive = Buffer.concat(await stream.toArray());
        const read = unzipSync(archive);
        expect(Object.keys(read)).toEqual(all.map((_, at) => `DICOM/${at}`));
        all.forEach(({ bytes }, at) => {
          expect(Buffer.from(read[`DICOM/${at}`] ?? []).equals(bytes)).toBe(true);
          expect(archive.includes(checksum(bytes))).toBe(true);
        });
      }),
      { numRuns: 60 },
    );
  });

  it.each([1, 2])('has no end if file %i fails, or has another length than announced', async (at) => {
    const good: ZipFile = {
      name: 'GOOD',
      ahead: 10,
      open: () => Promise.resolve(opened(Buffer.alloc(10), true, 3)),
    };
    const short: ZipFile = {
      ...good,
      open: () => Promise.resolve({ ...opened(Buffer.alloc(10), true, 3), length: 11 }),
    };
    const failing: ZipFile = { ...good, open: () => Promise.reject(new Error('the archive is away')) };
    for (const bad of [short, failing]) {
      const stream = await writeZip(at === 1 ? [good, bad] : [good, good, bad, good]);
      const received: Buffer[] = [];
      await expect(
        (async () => {
          for await (const chunk of stream) received.push(chunk);
        })(),
      ).rejects.toThrow();
      expect(Buffer.concat(received).includes(Buffer.from('PK\x05\x06'))).toBe(false);
    }
  });

  it.each([
    ['eight small files', 1000, 8],
    ['one megabyte of larger files', 400_000, 2],
    ['one file of any size', 3_000_000, 1],
  ])('requests at most %s early, in order, and closes them when the client leaves', async (_, size, most) => {
    const files = Array.from({ length: 20 }, (__, at) => new CountedFile(String(at), size));
    const left = new AbortController();
    const stream = await writeZip([files[0] ?? new CountedFile('0', size), ...files.slice(1)], left.signal);
    const early: number[] = [];
    for await (const chunk of stream) {
      const names = CountedFile.order.splice(0);
      expect(names).toEqual(names.toSorted((a, b) => Number(a) - Number(b)));
      early.push(files.filter(({ state }) => state === 'open').length - 1);
      if (!Buffer.isBuffer(chunk) || files[4]?.state !== 'open') continue;
      left.abort();
      break;
    }
    expect(Math.max(...early)).toBe(most);
    await expect.poll(() => files.filter(({ state }) => state === 'open')).toEqual([]);
    expect(files.filter(({ state }) => state === 'waits').length).toBeGreaterThanOrEqual(20 - 6 - most);
  });

  const FOUR_GIB = 2 ** 32;
  const time = new Date('2026-01-02T03:04:06Z');
  it.each([
    [FOUR_GIB - 2, 0, 0],
    [FOUR_GIB - 1, 0, 16],
    [FOUR_GIB, 0, 16],
    [10, FOUR_GIB - 2, 0],
    [10, FOUR_GIB - 1, 8],
    [FOUR_GIB * 3, FOUR_GIB * 2, 24],
  ])('with a file of %i bytes at %i has a ZIP64 field of %i bytes', (size, offset, length) => {
    const entry = centralEntry({ name: 'A', crc: 1, size, offset, is64: false }, time);
    const field = entry.subarray(47);
    expect(field.length).toBe(length === 0 ? 0 : length + 4);
    const values = Array.from({ length: length / 8 }, (_, at) => Number(field.readBigUInt64LE(4 + at * 8)));
    const isLong = size >= FOUR_GIB - 1;
    expect(values).toEqual([...(isLong ? [size, size] : []), ...(offset >= FOUR_GIB - 1 ? [offset] : [])]);
    expect([entry.readUInt32LE(24), entry.readUInt32LE(42)]).toEqual([
      Math.min(size, FOUR_GIB - 1),
      Math.min(offset, FOUR_GIB - 1),
    ]);
  });

  it.each([
    [0xfffe, 0, 0, false],
    [0xffff, 0, 0, true],
    [1, FOUR_GIB - 2, 0, false],
    [1, FOUR_GIB - 1, 0, true],
    [1, 0, FOUR_GIB - 1, true],
  ])('of %i files with a directory at %i of %i bytes has the ZIP64 end: %s', (count, start, length, is64) => {
    const end = endOfArchive(count, start, length);
    expect(end.length).toBe(is64 ? 98 : 22);
    if (is64) expect(Number(end.readBigUInt64LE(64))).toBe(start + length);
    expect(end.subarray(-22).readUInt16LE(10)).toBe(Math.min(count, 0xffff));
  });

  it('has the time of its files in UTC', () => {
    const header = localHeader('A', time, false);
    expect([header.readUInt16LE(10), header.readUInt16LE(12)]).toEqual([
      (3 << 11) | (4 << 5) | 3,
      (46 << 9) | (1 << 5) | 2,
    ]);
  });
});

function checksum(bytes: Uint8Array): Buffer {
  const written = Buffer.alloc(4);
  written.writeUInt32LE(crc32(bytes));
  return written;
}
