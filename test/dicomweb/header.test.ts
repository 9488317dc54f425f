import { Readable } from 'node:stream';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TransferSyntax, encodeDataset, type DicomElement } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import { readHeader, type HeaderLimits, type HeaderRead } from '../../src/dicom/header/header.reader.js';
import { decodeText } from '../../src/dicom/character.sets.js';
import { DicomUnreadable } from '../../src/dicom/dicom.unreadable.js';
import { metadataOfFile } from '../../src/dicom/json/file.metadata.js';
import { readElements } from '../../src/pixels/image.header.js';
import { longForm } from '../support/long.form.ts';

const STUDY = '0020000D';
const PATIENT_ID = '00100020';
const NAME = '00100010';
const ROWS = '00280010';
const TAGS = [STUDY, '0020000E', PATIENT_ID, NAME, '00081030', ROWS];
const SYNTAXES = Object.entries(TransferSyntax);

describe('readHeader', () => {
  it.each(SYNTAXES)('reads a file in %s', async (_, transferSyntax) => {
    const file = makeInstance({
      studyUid: '1.2.3',
      seriesUid: '1.2.3.4',
      sopUid: '1.2.3.4.5',
      patientId: 'P-7',
      patientName: 'Müller^Jörg',
      studyDescription: 'Schädel',
      rows: 6,
      frames: 2,
      transferSyntax,
      extra: nested,
    });
    const { header } = await read(file);
    expect(header).toMatchObject({
      transferSyntax,
      sopClassUid: '1.2.840.10008.5.1.4.1.1.7.3',
      sopInstanceUid: '1.2.3.4.5',
    });
    expect(Object.fromEntries(header.attributes)).toEqual({
      '00080005': 'ISO_IR 192',
      '00080016': '1.2.840.10008.5.1.4.1.1.7.3',
      '00080018': '1.2.3.4.5',
      '00081030': 'Schädel',
      [NAME]: 'Müller^Jörg',
      [PATIENT_ID]: 'P-7',
      [STUDY]: '1.2.3',
      '0020000E': '1.2.3.4',
      [ROWS]: '6',
    });
  });

  it.each(SYNTAXES)('gives the file back whole in %s, wherever it is cut', async (_, transferSyntax) => {
    const file = makeInstance({ transferSyntax, extra: nested });
    const whole = await read(file);
    for (let at = 1; at < file.length; at += 7) {
      const { header, head, rest } = await readHeader(chunks([file.subarray(0, at), file.subarray(at)]), {
        tags: TAGS,
      });
      expect(header, `cut at ${at}`).toEqual(whole.header);
      expect(Buffer.compare(Buffer.concat([...head, ...(await collect(rest))]), file)).toBe(0);
    }
  });

  it('says where the data set starts', async () => {
    const elements = [element('00080018', 'UI', '1.2'), element(PATIENT_ID, 'LO', 'P')];
    const dataset = encodeDataset(elements, TransferSyntax.explicitLittle);
    const file = withMeta(dataset);
    const { header } = await read(file);
    expect(file.subarray(header.datasetOffset).equals(dataset)).toBe(true);
  });

  it('finds the end of file meta information that has no length', async () => {
    for (const transferSyntax of [
      TransferSyntax.implicitLittle,
      TransferSyntax.explicitLittle,
      TransferSyntax.explicitBig,
    ]) {
      const file = makeInstance({ patientId: 'P-7', transferSyntax });
      const without = Buffer.concat([file.subarray(0, 132), file.subarray(144)]);
      const { header } = await read(without);
      expect(header.attributes.get(PATIENT_ID)).toBe('P-7');
    }
  });

  it('reads numbers, several values and padding', async () => {
    const dataset = encodeDataset(
      [
        element('00080008', 'CS', 'ORIGINAL \\ PRIMARY'),
        element('00081030', 'LO', '  padded '),
        element('00104000', 'LT', '  a\\b\r\n '),
        element('00189087', 'FD', [0.5, -2]),
        element('00200013', 'IS', ' 42 '),
        element('00280010', 'US', [512]),
        element('00281050', 'DS', '40\\-600.5'),
        element('00286010', 'SS', [-3]),
        element('00409094', 'OB', Buffer.of(1, 2)),
        element('00720054', 'SL', [-70_000]),
        element('00720068', 'UL', [4_000_000_000, 1]),
      ],
      TransferSyntax.explicitLittle,
    );
    const tags = ['00080008', '00081030', '00104000', '00189087', '00200013', ROWS, '00281050', '00286010'];
    const { header } = await read(withMeta(dataset), { tags: [...tags, '00409094', '00720054', '00720068'] });
    expect(Object.fromEntries(header.attributes)).toEqual({
      '00080008': 'ORIGINAL\\PRIMARY',
      '00081030': 'padded',
      '00104000': '  a\\b\r\n',
      '00189087': '0.5\\-2',
      '00200013': '42',
      [ROWS]: '512',
      '00281050': '40\\-600.5',
      '00286010': '-3',
      '00720054': '-70000',
      '00720068': '4000000000\\1',
    });
  });

  it('reads an element written as UN as what it is', async () => {
    for (const transferSyntax of [TransferSyntax.explicitLittle, TransferSyntax.explicitBig]) {
      const file = makeInstance({
        transferSyntax,
        extra: [element(ROWS, 'UN', Buffer.of(5, 0)), element(NAME, 'UN', Buffer.from('Ä^Ö'))],
      });
      const { header } = await read(file);
      expect([header.attributes.get(ROWS), header.attributes.get(NAME)]).toEqual(['5', 'Ä^Ö']);
    }
  });

  it('goes through a sequence written as UN, which is in implicit VR', async () => {
    const items = encodeDataset([element('00081155', 'UI', '1.2')], TransferSyntax.implicitLittle);
    const length = items.length.toString(16).padStart(2, '0');
    const hidden = `09001001554e0000fffffffffeff00e0${length}000000${items.toString('hex')}feffdde000000000`;
    const file = Buffer.concat([
      withMeta(Buffer.from(hidden, 'hex')),
      encodeDataset([patientId('P-7')], TransferSyntax.explicitLittle),
    ]);
    const { header } = await read(file);
    expect(header.attributes.get(PATIENT_ID)).toBe('P-7');
  });

  it('takes no value from inside a sequence for one of the top level', async () => {
    const inner = [element(PATIENT_ID, 'LO', 'other'), element(STUDY, 'UI', '9.9')];
    for (const transferSyntax of [TransferSyntax.explicitLittle, TransferSyntax.implicitLittle]) {
      const file = makeInstance({
        studyUid: '1.2',
        patientId: 'mine',
        transferSyntax,
        extra: [element('00081110', 'SQ', { items: [inner, inner] })],
      });
      const { header } = await read(file);
      expect([header.attributes.get(PATIENT_ID), header.attributes.get(STUDY)]).toEqual(['mine', '1.2']);
    }
  });

  it('reads what was requested, item by item, however the sequence is written', async () => {
    const sequence = element('00400275', 'SQ', {
      items: [requested('\xb8', 'R 1'), [], requested('', 'R2')],
    });
    const elsewhere = element('00081111', 'SQ', { items: [[sequence]] });
    const found = [
      { step: 'И', procedure: 'R 1' },
      { step: '', procedure: 'R2' },
    ];
    for (const transferSyntax of Object.values(TransferSyntax)) {
      const { header } = await read(makeInstance({ transferSyntax, extra: [sequence, elsewhere] }));
      expect([transferSyntax, header.requests]).toEqual([transferSyntax, found]);
    }
    const { header } = await read(makeInstance({ extra: [elsewhere] }));
    expect(header.requests).toEqual([]);
  });

  it('reads no further than the pixel data', async () => {
    const file = makeInstance({ rows: 512, columns: 512 });
    let given = 0;
    const source = (async function* () {
      for (let at = 0; at < file.length; at += 1024) {
        given += 1;
        yield file.subarray(at, at + 1024);
      }
    })();
    await readHeader(source, { tags: TAGS });
    expect(given).toBeLessThanOrEqual(2);
  });

  it('stops at an encapsulated document', async () => {
    const file = makeInstance({
      frames: 0,
      modality: 'DOC',
      extra: [element('00420011', 'OB', Buffer.alloc(9_000_000))],
    });
    const { header, head } = await readHeader(chunks(cut(file, [65_536])), { tags: TAGS });
    expect(header.attributes.get(STUDY)).toBeDefined();
    expect(sizeOf(head)).toBeLessThan(70_000);
  });

  it('is content with a long private element behind everything asked for, and refuses one in front', async () => {
    const long = Buffer.alloc(5_000_000);
    const behind = makeInstance({ patientId: 'P', extra: [element('00431010', 'OB', long)] });
    const { header, head } = await readHeader(chunks(cut(behind, [65_536])), { tags: TAGS });
    expect(header.attributes.get(PATIENT_ID)).toBe('P');
    expect(sizeOf(head)).toBeLessThan(70_000);
    const before = makeInstance({ patientId: 'P', extra: [element('00091010', 'OB', long)] });
    expect(await fault(before)).toBe('too-large');
  });
});

describe('zeros that fill a file up', () => {
  it.each(SYNTAXES.filter(([name]) => name !== 'deflated'))(
    'are left out in %s, wherever it is cut; anything else there is refused',
    async (_, transferSyntax) => {
      const file = makeInstance({ transferSyntax, extra: nested });
      // In big endian, fewer than eight zero bytes could be the beginning of a tag.
      const few = transferSyntax === TransferSyntax.explicitBig ? [] : [1, 7];
      for (const zeros of [...few, 8, 9, 500]) {
        const padded = Buffer.concat([file, Buffer.alloc(zeros)]);
        for (let at = file.length - 20; at < padded.length; at += 1) {
          const { head, rest } = await readHeader(chunks([padded.subarray(0, at), padded.subarray(at)]), {
            tags: TAGS,
          });
          const back = Buffer.concat([...head, ...(await collect(rest))]);
          expect(Buffer.compare(back, file), `${zeros} zeros, cut at ${at}`).toBe(0);
        }
        const hidden = Buffer.concat([padded, Buffer.alloc(8), Buffer.of(1), Buffer.alloc(600)]);
        const { rest } = await readHeader(chunks([hidden]), { tags: TAGS }).catch((error: unknown) => {
          expect(error).toBeInstanceOf(DicomUnreadable);
          return { rest: chunks([]) };
        });
        await collect(rest).catch((error: unknown) => expect(error).toBeInstanceOf(DicomUnreadable));
      }
    },
  );
});

/** Sequences with this many items, and private elements. */
const items = (count: number) => Array.from({ length: count }, () => [element('00080100', 'SH', 'A')]);
const sequence = (tag: string, count: number) => element(tag, 'SQ', { items: items(count) });
const values = (count: number) =>
  Array.from({ length: count }, (_, at) =>
    element((0x00090010 + at).toString(16).padStart(8, '0'), 'LO', 'a'),
  );

describe('readHeader refuses', () => {
  it.each([
    ['nothing', Buffer.alloc(0), 'not-dicom'],
    ['a preamble alone', Buffer.alloc(132), 'not-dicom'],
    ['a data set without preamble', makeInstance().subarray(132), 'not-dicom'],
    ['an HTML page', Buffer.from('<html>'.repeat(100)), 'not-dicom'],
    ['a prefix alone', makeInstance().subarray(0, 132), 'meta'],
    ['no transfer syntax', withMeta(Buffer.alloc(0), { transferSyntax: '' }), 'meta'],
    ['a wrong length of the meta information', patch(makeInstance(), 140, 4), 'meta'],
    ['a huge length of the meta information', patch(makeInstance(), 140, 0xfffffff0), 'meta'],
    ['a meta element twice', metaTwice(), 'meta'],
    [
      'a value representation that is none',
      withMeta(Buffer.from('080005006373040041424344', 'hex')),
      'structure',
    ],
    ['an item at the top level', withMeta(Buffer.from('feff00e000000000', 'hex')), 'structure'],
    ['a delimiter in an item', withMeta(inSequence('feff00e0fffffffffeffdde000000000')), 'structure'],
    ['an element between items', withMeta(inSequence('0800050043530000')), 'structure'],
    ['a sequence without end', withMeta(inSequence('')), 'truncated'],
    ['a text of undefined length', withMeta(Buffer.from('0800050055540000ffffffff', 'hex')), 'length'],
    [
      'an item longer than its sequence',
      withMeta(Buffer.from(`080040115351000008000000feff00e0ff000000`, 'hex')),
      'length',
    ],
    ['an element longer than its item', withMeta(inSequence('feff00e0080000000800050043530900')), 'length'],
    [
      'a sequence in an item that goes on behind it',
      withMeta(
        inSequence(
          'feff00e0140000000800401153510000fffffffffeff00e000000000feff00e000000000feffdde000000000',
        ),
      ),
      'length',
    ],
    [
      'a delimiter where a length said the end',
      withMeta(Buffer.from('080040115351000010000000feff00e000000000feffdde000000000', 'hex')),
      'structure',
    ],
    [
      'a long value that was asked for',
      withMeta(Buffer.from(`10002000554e000000000200${'20'.repeat(0x20000)}`, 'hex')),
      'too-large',
    ],
    ['a length beyond the end', withMeta(Buffer.from('100020004c4fff0041', 'hex')), 'truncated'],
    ['a huge length', withMeta(Buffer.from('10002000554e0000f0ffffff41', 'hex')), 'too-large'],
    ['a huge private length', withMeta(Buffer.from('090020004f420000f0ffffff41', 'hex')), 'too-large'],
    ['half an element', withMeta(Buffer.from('1000200041', 'hex')), 'truncated'],
    [
      'data that is not deflated',
      withMeta(Buffer.alloc(64, 0xff), { transferSyntax: TransferSyntax.deflated }),
      'deflate',
    ],
  ])('%s', async (_, file, reason) => {
    expect(await fault(file)).toBe(reason);
  });

  it('an asked-for element that is out of order or there twice', async () => {
    const study = element(STUDY, 'UI', '1.2');
    expect(await fault(unsorted([study, patientId('late')]))).toBe('structure');
    expect(await fault(unsorted([patientId('one'), patientId('two'), study]))).toBe('structure');
  });

  it('meta information that names another instance or class', async () => {
    const dataset = encodeDataset([element('00080018', 'UI', '1.2.3')], TransferSyntax.explicitLittle);
    expect(await fault(withMeta(dataset, { sop: '1.2.4' }))).toBe('identity');
    const other = encodeDataset([element('00080016', 'UI', '1.2.3')], TransferSyntax.explicitLittle);
    expect(await fault(withMeta(other, { sopClass: '1.2.4' }))).toBe('identity');
  });

  it('every header that is cut short elsewhere than behind an element', async () => {
    const elements = [element('00080018', 'UI', '1.2'), ...nested, element(PATIENT_ID, 'LO', 'P-7')];
    for (const transferSyntax of [
      TransferSyntax.implicitLittle,
      TransferSyntax.explicitLittle,
      TransferSyntax.explicitBig,
    ]) {
      const written = elements.toSorted(byTag).map((one) => encodeDataset([one], transferSyntax));
      const file = withMeta(Buffer.concat(written), { transferSyntax });
      let end = withMeta(Buffer.alloc(0), { transferSyntax }).length;
      const ends = new Set([end, ...written.map((bytes) => (end += bytes.length))]);
      for (let length = 0; length <= file.length; length += 1) {
        const found = await fault(file.subarray(0, length));
        expect(found === 'none', `${length} of ${file.length} bytes: ${found}`).toBe(ends.has(length));
      }
    }
  });

  describe('long runs of padding in linear time', () => {
    const run = `${' '.repeat(60_000)}x`;
    const short = [PATIENT_ID, NAME, '00081030', '00080050', '00080060', '00100021', '00200010'];
    const long = element('0040A160', 'UT', `${' '.repeat(4_000_000)}x`);
    const file = makeInstance({
      modality: 'SR',
      extra: [...short.map((tag) => element(tag, 'LO', run)), long],
    });
    const source = () => Readable.from([file], { objectMode: true });
    it.each([
      ['the header', async () => void (await read(file, { tags: short, maxValueBytes: 65_536 }))],
      ['the metadata', async () => void (await metadataOfFile(source()))],
      [
        'selected elements',
        async () => {
          const selection = new Map(
            ['0040A160', ...short].map((tag) => [Number.parseInt(tag, 16), 'value'] as const),
          );
          const { values } = await readElements(source(), selection);
          for (const tag of selection.keys()) values.text(tag);
        },
      ],
    ])('%s', async (_, work) => {
      const before = process.threadCpuUsage();
      await work();
      const { user, system } = process.threadCpuUsage(before);
      expect((user + system) / 1000).toBeLessThan(2000);
    });
  });

  describe('more children than allowed', () => {
    it.each(
      [TransferSyntax.implicitLittle, TransferSyntax.explicitLittle, TransferSyntax.explicitBig].flatMap(
        (transferSyntax) => [
          { transferSyntax, what: 'items of a sequence', one: [sequence('0040A730', 30)], limit: 31 },
          { transferSyntax, what: 'elements of the root', one: values(30), limit: 30 },
          {
            transferSyntax,
            what: 'elements of an item',
            one: [element('0040A730', 'SQ', { items: [values(30)] })],
            limit: 31,
          },
          {
            transferSyntax,
            what: 'items of two sequences together',
            one: [sequence('0040A730', 30), sequence('0040A043', 30)],
            limit: 44,
          },
        ],
      ),
    )('$what in $transferSyntax', async ({ transferSyntax, one, limit }) => {
      const file = withMeta(encodeDataset(one, transferSyntax), { transferSyntax });
      const refused = async (maxChildren: number) => {
        const error = await read(file, { maxChildren }).catch((failure: unknown) => failure);
        return error instanceof DicomUnreadable ? error.reason : 'none';
      };
      expect([await refused(limit - 2), await refused(limit)]).toEqual(['too-many', 'none']);
    });
  });

  it('sequences nested 10,000 deep, at once, and reads them when it is allowed to', async () => {
    const depth = 10_000;
    const open = Buffer.from('0900011053510000fffffffffeff00e0ffffffff', 'hex');
    const close = Buffer.from('feff0de000000000feffdde000000000', 'hex');
    const file = withMeta(
      Buffer.concat([
        ...Array.from({ length: depth }, () => open),
        ...Array.from({ length: depth }, () => close),
        encodeDataset([element(PATIENT_ID, 'LO', 'P')], TransferSyntax.explicitLittle),
      ]),
    );
    // Measures only the time of this thread, because other threads may use the processor meanwhile.
    const before = process.threadCpuUsage();
    expect(await fault(file)).toBe('too-deep');
    const { user, system } = process.threadCpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(1000);
    const { header } = await read(file, { maxDepth: depth });
    expect(header.attributes.get(PATIENT_ID)).toBe('P');
  });

  it('a deflated data set that grows without end', async () => {
    const dataset = encodeDataset(
      [element('00091010', 'OB', Buffer.alloc(60_000_000))],
      TransferSyntax.deflated,
    );
    expect(await fault(withMeta(dataset, { transferSyntax: TransferSyntax.deflated }))).toBe('too-large');
    const pixels = makeInstance({ transferSyntax: TransferSyntax.deflated, rows: 1024, columns: 1024 });
    const { rest } = await readHeader(chunks(cut(pixels, [512])), {
      tags: TAGS,
      maxInflatedBytes: 1_000_000,
    });
    await expect(collect(rest)).rejects.toMatchObject({ reason: 'too-large' });
  });

  it('a header without end, after no more than the limit', async () => {
    const small = encodeDataset([element('00091010', 'LO', 'x')], TransferSyntax.explicitLittle);
    const chunk = Buffer.concat(Array.from({ length: 4096 }, () => small));
    let given = 0;
    const source = (async function* () {
      yield withMeta(Buffer.alloc(0));
      for (;;) {
        given += chunk.length;
        yield chunk;
      }
    })();
    await expect(readHeader(source, { tags: TAGS })).rejects.toMatchObject({ reason: 'too-large' });
    expect(given).toBeLessThan(4 * 1024 * 1024 + 2 * chunk.length);
  });

  it.each(SYNTAXES)(
    'an asked-for element behind the pixels in %s, before the file has passed',
    async (_, transferSyntax) => {
      const late = patientId('late');
      const file = makeInstance({ transferSyntax, rows: 256, columns: 256 });
      const sound = cut(
        await extended(file, transferSyntax, [element('FFFCFFFC', 'OB', Buffer.alloc(6))]),
        [512],
      );
      expect(await outcome(sound)).not.toBeInstanceOf(DicomUnreadable);
      for (const between of [[], nestedBehind]) {
        const pieces = cut(await extended(file, transferSyntax, [...between, late]), [512]);
        const { rest } = await readHeader(chunks(pieces), { tags: TAGS });
        await expect(collect(rest)).rejects.toMatchObject({ reason: 'structure' });
      }
    },
  );

  it.each(SYNTAXES)(
    'pixel data cut short in %s, before the file has passed',
    async (name, transferSyntax) => {
      const file = makeInstance({ transferSyntax, rows: 64, columns: 64 });
      const { rest } = await readHeader(chunks(cut(file.subarray(0, -20), [512])), { tags: TAGS });
      await expect(collect(rest)).rejects.toMatchObject({
        reason: name === 'deflated' ? 'deflate' : 'truncated',
      });
    },
  );

  it('bytes behind a deflated data set never hang it', async () => {
    const file = makeInstance({ transferSyntax: TransferSyntax.deflated, patientId: 'P-7' });
    for (const size of [7, 64, 65_536]) {
      const result = await outcome(cut(Buffer.concat([file, Buffer.alloc(100, 0xab)]), [size]));
      expect(result).toMatchObject({ transferSyntax: TransferSyntax.deflated });
    }
  });

  it('nothing but with DicomUnreadable, soon and the same however it is cut, when bytes are changed', async () => {
    const files = SYNTAXES.map(([, transferSyntax]) =>
      makeInstance({ transferSyntax, extra: nested, rows: 2 }),
    );
    const edits = fc.array(
      fc.record({ at: fc.nat(), byte: fc.nat({ max: 255 }), drop: fc.nat({ max: 3 }) }),
      {
        minLength: 1,
        maxLength: 4,
      },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...files),
        edits,
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 4 }),
        async (file, changes, sizes) => {
          let bytes = file;
          for (const { at, byte, drop } of changes) {
            const place = 132 + (at % (bytes.length - 132));
            bytes = Buffer.concat([bytes.subarray(0, place), Buffer.of(byte), bytes.subarray(place + drop)]);
          }
          const whole = await outcome([bytes]);
          const inPieces = await outcome(cut(bytes, sizes));
          // A file with two faults may be refused for either of them.
          if (!(inPieces instanceof DicomUnreadable)) expect(inPieces).toEqual(whole);
          else expect(whole).toBeInstanceOf(DicomUnreadable);
        },
      ),
      { numRuns: longForm(3000, 600) },
    );
  });
});

// The names are examples of PS3.5 annexes H to K.
describe('decodeText', () => {
  it.each([
    ['German', 'ISO_IR 100', 'c46e6561735e52fc6469676572', 'Äneas^Rüdiger'],
    ['French', 'ISO_IR 100', '427563205e4ae972f46d65', 'Buc ^Jérôme'],
    ['Polish', 'ISO_IR 101', 'a3f364bc', 'Łódź'],
    ['Maltese', 'ISO_IR 109', 'a1', 'Ħ'],
    ['Latvian', 'ISO_IR 110', 'd2', 'Ō'],
    ['Greek', 'ISO_IR 126', 'c4e9efedf5f3e9eff2', 'Διονυσιος'],
    ['Arabic', 'ISO_IR 127', 'e2c8c7e6ea5ee4e6d2c7d1', 'قباني^لنزار'],
    ['Hebrew', 'ISO_IR 138', 'f9f8e5ef5ee3e1e5f8e4', 'שרון^דבורה'],
    ['Russian', 'ISO_IR 144', 'bbeeda6365dcd17970d3', 'Люкceмбypг'],
    ['Turkish', 'ISO_IR 148', 'd0fdfe', 'Ğış'],
    ['Thai', 'ISO_IR 166', 'b9d2c2', 'นาย'],
    ['Latin-9', 'ISO_IR 203', 'a4', '€'],
    ['Chinese', 'GB18030', '57616e675e5869616f446f6e673dcdf55ed0a1b6ab3d', 'Wang^XiaoDong=王^小东='],
    ['Chinese', 'GBK', 'cdf55ed0a1b6ab', '王^小东'],
    [
      'Chinese',
      'ISO_IR 192',
      Buffer.from('Wang^XiaoDong=王^小東=').toString('hex'),
      'Wang^XiaoDong=王^小東=',
    ],
    [
      'Japanese',
      '\\ISO 2022 IR 87',
      '59616d6164615e5461726f753d1b24423b3345441b28425e1b2442424 04f3a1b28423d1b2442246424 5e24401b28425e1b2442243f246d24261b2842',
      'Yamada^Tarou=山田^太郎=やまだ^たろう',
    ],
    [
      'Japanese with half-width letters',
      'ISO 2022 IR 13\\ISO 2022 IR 87',
      'd4cfc0de5ec0dbb33d1b24423b3345441b284a5e1b244242404f3a1b284a3d1b24422464245e24401b284a5e1b2442243f246d24261b284a',
      'ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう',
    ],
    ['Japanese, supplementary', '\\ISO 2022 IR 159', '1b2428443021 1b2842'.replaceAll(' ', ''), '丂'],
    [
      'Korean',
      '\\ISO 2022 IR 149',
      '486f6e675e47696c646f6e673d1b242943fbf35e1b242943d1ced4d73d1b242943c8ab5e1b242943b1e6b5bf',
      'Hong^Gildong=洪^吉洞=홍^길동',
    ],
    [
      'Chinese, extended',
      '\\ISO 2022 IR 58',
      '5a68616e675e3d1b242941d5c55e1b242941d0a1b6ab',
      'Zhang^=张^小东',
    ],
    ['two alphabets', 'ISO 2022 IR 100\\ISO 2022 IR 144', 'c43d1b2d4cbb5cc4', 'Ä=Л\\Ä'],
    ['no character set', '', '4dfc', 'Mü'],
    ['a character set nobody knows', 'ISO_IR 999', '4dfc', 'Mü'],
    ['an escape nobody knows', '', '411b7a42', 'AzB'],
    ['Japanese without the way back', '\\ISO 2022 IR 87', '1b24423b334544200a4142', '山田 \nAB'],
    ['half a character', '\\ISO 2022 IR 87', '1b24423b', '\ufffd'],
  ])('reads %s in %s', (_, characterSet, hex, text) => {
    expect(decodeText(Buffer.from(hex.replaceAll(' ', ''), 'hex'), characterSet, '\\^=')).toBe(text);
  });

  it('reads anything in any of them', () => {
    const sets = [
      '',
      '\\ISO 2022 IR 87\\ISO 2022 IR 159',
      'ISO 2022 IR 13',
      '\\ISO 2022 IR 149',
      'GB18030',
      'ISO_IR 192',
    ];
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.array(fc.constantFrom(0x1b, 0x24, 0x28, 0x29, 0x42, 0x43, 0x44, 0xb0, 0x5c, 0x5e, 0x30), {
        maxLength: 30,
      }),
    );
    fc.assert(
      fc.property(bytes, fc.constantFrom(...sets), (value, set) => {
        expect(decodeText(Buffer.from(value), set, '\\^=').length).toBeLessThanOrEqual(value.length * 2);
      }),
      { numRuns: longForm(3000, 600) },
    );
  });
});

/** An item of Request Attributes Sequence in Cyrillic. */
function requested(step: string, procedure: string): DicomElement[] {
  return [
    element('00080005', 'CS', 'ISO_IR 144'),
    element('00400008', 'SQ', { items: [[element('00400009', 'SH', 'deeper')]] }),
    element('00400009', 'SH', Buffer.from(step, 'latin1')),
    element('00401001', 'SH', procedure),
  ];
}

const nested: DicomElement[] = [
  element('00081140', 'SQ', {
    items: [
      [element('00081150', 'UI', '1.2'), element('00081155', 'UI', '1.3')],
      [element('00400275', 'SQ', { items: [[element(PATIENT_ID, 'LO', 'inside')], []] })],
    ],
  }),
  // An icon. Its encapsulated pixel data is a sequence of fragment items.
  element('00880200', 'SQ', {
    items: [[element('7FE00010', 'OB', { fragments: [Buffer.of(1, 2), Buffer.of(3, 4)] })]],
  }),
];

/** A digital signature may follow the pixel data. No other data may follow it. */
const nestedBehind: DicomElement[] = [
  element('FFFAFFFA', 'SQ', { items: [[element('00080016', 'UI', '1.2'), ...nested]] }),
];

/** The same file with additional elements at its end. */
async function extended(file: Buffer, transferSyntax: string, more: DicomElement[]): Promise<Buffer> {
  const plain = transferSyntax === TransferSyntax.deflated ? TransferSyntax.explicitLittle : transferSyntax;
  const behind = Buffer.concat(more.map((one) => encodeDataset([one], plain)));
  const { header } = await read(file);
  const start = file.subarray(0, header.datasetOffset);
  const dataset = file.subarray(header.datasetOffset);
  if (plain === transferSyntax) return Buffer.concat([start, dataset, behind]);
  return Buffer.concat([start, deflateRawSync(Buffer.concat([inflateRawSync(dataset), behind]))]);
}

/** A file with these bytes as its data set. */
function withMeta(
  dataset: Buffer,
  meta: { transferSyntax?: string; sop?: string; sopClass?: string } = {},
): Buffer {
  const elements = [
    ...(meta.sopClass === undefined ? [] : [element('00020002', 'UI', meta.sopClass)]),
    ...(meta.sop === undefined ? [] : [element('00020003', 'UI', meta.sop)]),
    element('00020010', 'UI', meta.transferSyntax ?? TransferSyntax.explicitLittle),
  ];
  const bytes = encodeDataset(elements, TransferSyntax.explicitLittle);
  const length = encodeDataset([element('00020000', 'UL', [bytes.length])], TransferSyntax.explicitLittle);
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), length, bytes, dataset]);
}

function metaTwice(): Buffer {
  const one = encodeDataset([element('00020010', 'UI', '1.2.840.10008.1.2')], TransferSyntax.explicitLittle);
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), one, one]);
}

function inSequence(hex: string): Buffer {
  return Buffer.from(`0800401153510000ffffffff${hex}`, 'hex');
}

function unsorted(elements: DicomElement[]): Buffer {
  return withMeta(Buffer.concat(elements.map((one) => encodeDataset([one], TransferSyntax.explicitLittle))));
}

function patch(file: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(file);
  copy.writeUInt32LE(value, at);
  return copy;
}

function byTag(a: DicomElement, b: DicomElement): number {
  return a.tag < b.tag ? -1 : 1;
}

function patientId(id: string): DicomElement {
  return element(PATIENT_ID, 'LO', id);
}

function read(file: Buffer, options: Partial<HeaderLimits> = {}): Promise<HeaderRead> {
  return readHeader(chunks([file]), { tags: TAGS, ...options });
}

/** Reads a file to its end and returns the result. */
async function outcome(pieces: Buffer[]): Promise<HeaderRead['header'] | DicomUnreadable> {
  try {
    const { header, rest } = await readHeader(chunks(pieces), { tags: TAGS });
    await collect(rest);
    return header;
  } catch (error) {
    if (error instanceof DicomUnreadable) return error;
    throw error;
  }
}

async function fault(file: Buffer): Promise<string> {
  const result = await outcome([file]);
  return result instanceof DicomUnreadable ? result.reason : 'none';
}

async function* chunks(pieces: Buffer[]): AsyncGenerator<Buffer> {
  yield* pieces;
}

function cut(bytes: Buffer, sizes: number[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

async function collect(source: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const pieces: Buffer[] = [];
  for await (const piece of source) pieces.push(piece);
  return pieces;
}

function sizeOf(pieces: Buffer[]): number {
  return pieces.reduce((size, piece) => size + piece.length, 0);
}
