import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { inflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  catalogExceptions,
  DataSet,
  CorpusDataSets,
  differencesOf,
  metadataExceptions,
  recodedExceptions,
  searchExceptions,
} from './corpus.differences.ts';
import { metadataOfFile } from '../../src/dicom/json/file.metadata.js';
import { isLong, longForm } from '../support/long.form.ts';
import { refusedNames } from './corpus.refused.ts';
import { CorpusWorld, type Stored } from './corpus.world.ts';
import { partsOf } from './wado.reading.ts';

/** The results of each round, for the tests below. */
const seen = {
  files: 0,
  frames: 0,
  recoded: 0,
  syntaxes: new Set<string>(),
  classes: new Set<string>(),
  charsets: new Set<string>(),
};
const faults: Record<'files' | 'uncompressed' | 'frames' | 'metadata' | 'searches', string[]> = {
  files: [],
  uncompressed: [],
  frames: [],
  metadata: [],
  searches: [],
};

const PREAMBLE = 128;
const FILE = 'application/dicom';
const DEFLATED = '1.2.840.10008.1.2.1.99';
const EXPLICIT_LITTLE = '1.2.840.10008.1.2.1';
/** Files without Media Storage SOP Class UID in the file meta information. The archive adds this UID and does not change the data set. */
const COMPLETED = new Set(['CTImageStorage_bad_meta.dcm']);
/** The tag of an item (FFFE,E000) in little endian. */
const ITEM = 0xe000fffe;
const KEYS = { studies: '0020000D', series: '0020000E', instances: '00080018' } as const;
/** Attributes that no file contains: character set, availability, URL, counts, and the assigned issuer. */
const DERIVED = new Set([
  '00080005',
  '00080056',
  '00080061',
  '00081190',
  '00083002',
  '00100021',
  '00201206',
  '00201208',
  '00201209',
]);

/** The gateway's metadata of each instance, by the path of the instance. */
const metadata = new Map<string, DataSet>();

let corpus: CorpusWorld;
beforeAll(async () => {
  corpus = await CorpusWorld.start();
  for (let stored = await corpus.round(); stored.length > 0; stored = await corpus.round()) {
    for (const one of stored) {
      faults.files.push(...(await faultsOfFile(one)));
      faults.uncompressed.push(...(await faultsOfUncompressed(one)));
      faults.metadata.push(...(await faultsOfMetadata(one)));
    }
    faults.searches.push(...(await faultsOfSearches(stored)));
    await corpus.empty(stored);
  }
}, 600_000);
afterAll(() => corpus?.world.stop());

it('real files of others are stored, of many kinds; the rest is refused for a reason', () => {
  const refused = corpus.refused.map((name) => basename(name)).toSorted();
  const taken = new Set(corpus.names.map((name) => basename(name)));
  if (isLong) expect(refused).toEqual(refusedNames);
  expect(new Set(refused)).toEqual(new Set(refusedNames.filter((name) => taken.has(name))));
  expect(seen.files).toBeGreaterThan(longForm(220, 35));
  expect(seen.syntaxes.size).toBeGreaterThan(longForm(14, 7));
  expect(seen.classes.size).toBeGreaterThan(longForm(12, 7));
  expect(seen.charsets.size).toBeGreaterThan(longForm(8, 3));
});

it('each comes back byte for byte, but for its preamble and what the archive completes', () => {
  expect(faults.files).toEqual([]);
});

it('each that can be uncompressed has every attribute that it has stored and no other, but for how its pixels lie', () => {
  expect(faults.uncompressed).toEqual([]);
  expect(seen.recoded).toBeGreaterThan(longForm(60, 8));
});

it('each frame comes as it stands in its file', () => {
  expect(faults.frames).toEqual([]);
  expect(seen.frames).toBeGreaterThan(longForm(200, 30));
});

it('metadata equals that of the archive, but for the exceptions, each for its reason', () => {
  expect(faults.metadata).toEqual([]);
});

it('searches answer what the archive does and what metadata says, but for the exceptions', () => {
  expect(faults.searches).toEqual([]);
});

/** Retrieves the file as a single body and as multipart, and compares the file with the sent bytes. */
async function faultsOfFile({ name, path, bytes }: Stored): Promise<string[]> {
  seen.files += 1;
  const alone = await corpus.ask(path, `${FILE}; transfer-syntax=*`);
  const parts = await corpus.ask(path);
  const [part] = parts.status === 200 ? partsOf(parts.type, parts.body) : [];
  if (alone.status !== 200 || part?.body.equals(alone.body) !== true) return [`${name}: ${alone.status}`];
  seen.syntaxes.add(part.headers['content-type'] ?? '');
  const compared = (file: Buffer) =>
    COMPLETED.has(basename(name)) ? dataSetOf(file) : file.subarray(PREAMBLE);
  return compared(alone.body).equals(compared(bytes)) ? [] : [`${name}: other bytes`];
}

/**
 * If the file is not stored in Explicit VR Little Endian and the gateway can convert it, compares the converted file with the stored file.
 * The gateway's own reader converts both files to DICOM JSON.
 */
async function faultsOfUncompressed({ name, path, bytes }: Stored): Promise<string[]> {
  const { status, type, body } = await corpus.ask(path, `${FILE}; transfer-syntax=${EXPLICIT_LITTLE}`);
  if (status === 406) return [];
  if (status !== 200) return [`${name}: ${status} ${type}`];
  if (body.subarray(PREAMBLE).equals(bytes.subarray(PREAMBLE))) return [];
  seen.recoded += 1;
  const [ours, stored] = [await readAttributes(body), await readAttributes(bytes)];
  return differencesOf(ours, stored, recodedExceptions).map((line) => `${name} ${line}`);
}

async function readAttributes(file: Buffer): Promise<DataSet> {
  return DataSet.parse(await metadataOfFile(Readable.from([file])));
}

/** The bytes after the file meta information. The group length gives their position (PS3.10 §7.1). */
function dataSetOf(file: Buffer): Buffer {
  const value = PREAMBLE + 4 + 8;
  return file.subarray(value + 4 + file.readUInt32LE(value));
}

/** Compares the gateway's metadata with the archive's metadata. Also checks the frames. */
async function faultsOfMetadata({ name, path, bytes }: Stored): Promise<string[]> {
  const [ours, theirs] = [await corpus.ask(`${path}/metadata`), await corpus.archive(`${path}/metadata`)];
  if (ours.status !== 200 || theirs.status !== 200)
    return [`${name}: ${ours.status} and not ${theirs.status}`];
  const [one = {}] = CorpusDataSets.parse(JSON.parse(ours.body.toString()));
  const [other = {}] = CorpusDataSets.parse(JSON.parse(theirs.body.toString()));
  metadata.set(path, one);
  seen.classes.add(JSON.stringify(one['00080016']));
  seen.charsets.add(charsetOf(bytes));
  if (one['7FE00010'] !== undefined) faults.frames.push(...(await faultsOfFrames(name, path, bytes)));
  return differencesOf(one, other, metadataExceptions, bytes).map((line) => `${name} ${line}`);
}

/** Checks that the returned frames are ranges of the stored file, in order. */
async function faultsOfFrames(name: string, path: string, bytes: Buffer): Promise<string[]> {
  const count = Number(metadata.get(path)?.['00280008']?.['Value']?.toString() ?? 1);
  const numbers = Array.from({ length: count }, (_, at) => at + 1).join(',');
  const accept = 'multipart/related; type="application/octet-stream"; transfer-syntax=*';
  const { status, type, body } = await corpus.ask(`${path}/frames/${numbers}`, accept);
  if (status !== 200) return [`${name}: frames are ${status}`];
  const parts = partsOf(type, body).map((part) => part.body);
  seen.frames += parts.length;
  const fragments = fragmentsOf(bytes);
  // A frame may be in several fragments.
  if (fragments !== undefined)
    return Buffer.concat(parts).equals(Buffer.concat(fragments)) ? [] : [`${name}: other fragments`];
  let at = 0;
  const stored = bytes.subarray(0, 1024).includes(DEFLATED) ? inflateRawSync(dataSetOf(bytes)) : bytes;
  for (const [index, part] of parts.entries()) {
    const found = placeOf(part, stored, at);
    if (found === -1) return [`${name}: frame ${index + 1} of ${part.length} bytes`];
    at = found + part.length;
  }
  return [];
}

/** The offset of a frame in its file. Pixels of big endian files are returned as little endian. */
function placeOf(frame: Buffer, bytes: Buffer, from: number): number {
  const plain = bytes.indexOf(frame, from);
  if (plain !== -1 || !bytes.subarray(0, 1024).includes('1.2.840.10008.1.2.2\0')) return plain;
  const even = frame.length % 2 === 0 ? frame : Buffer.concat([frame, Buffer.of(0)]);
  const words = bytes.indexOf(Buffer.from(even).swap16(), from);
  return words !== -1 || frame.length % 4 !== 0 ? words : bytes.indexOf(Buffer.from(frame).swap32(), from);
}

/** The fragments of encapsulated pixel data (PS3.5 §A.4), without the offset table. Undefined for uncompressed pixel data. */
function fragmentsOf(bytes: Buffer): Buffer[] | undefined {
  const start = bytes.lastIndexOf(Buffer.from('e07f10004f420000ffffffff', 'hex'));
  if (start === -1) return undefined;
  const fragments: Buffer[] = [];
  for (let at = start + 12; bytes.readUInt32LE(at) === ITEM;) {
    const end = at + 8 + bytes.readUInt32LE(at + 4);
    fragments.push(bytes.subarray(at + 8, end));
    at = end;
  }
  return fragments.slice(1);
}

/**
 * Compares the gateway's search results of every level with the archive's search results. Also compares each result for an instance with
 * the metadata of this instance.
 */
async function faultsOfSearches(stored: readonly Stored[]): Promise<string[]> {
  const lines: string[] = [];
  for (const [level, key] of Object.entries(KEYS)) {
    const ours = await found(await corpus.ask(`/${level}?limit=1000`), key);
    const theirs = await found(await corpus.archive(`/${level}?limit=1000`), key);
    for (const [uid, other] of theirs)
      lines.push(
        ...differencesOf(ours.get(uid) ?? {}, other, searchExceptions).map(
          (line) => `${level} ${uid} ${line}`,
        ),
      );
    if (ours.size !== theirs.size) lines.push(`${level}: ${ours.size} and not ${theirs.size}`);
  }
  for (const field of ['', '&includefield=all']) {
    const ours = await found(await corpus.ask(`/instances?limit=1000${field}`), KEYS.instances);
    for (const { name, path } of stored) {
      const item = ours.get(path.split('/').at(-1) ?? '') ?? {};
      const said = metadata.get(path) ?? {};
      lines.push(...againstMetadata(item, said, field !== '').map((line) => `${name}${field} ${line}`));
    }
  }
  return lines;
}

async function found(answer: { status: number; body: Buffer }, key: string): Promise<Map<string, DataSet>> {
  expect(answer.status).toBe(200);
  const items = CorpusDataSets.parse(JSON.parse(answer.body.toString()));
  return new Map(items.map((item) => [String(item[key]?.['Value']), item]));
}

/**
 * The differences between a search result and the metadata. With `whole`, an attribute that only the metadata has is also a difference,
 * unless it is bulk data.
 */
function againstMetadata(item: DataSet, said: DataSet, whole: boolean): string[] {
  const asked = Object.keys(whole ? { ...said, ...item } : item).filter((tag) => !DERIVED.has(tag));
  const comparable = asked.filter((tag) => said[tag]?.['BulkDataURI'] === undefined);
  const part = (of: DataSet) =>
    Object.fromEntries(
      comparable.flatMap((tag) => (of[tag]?.['Value'] === undefined ? [] : [[tag, of[tag]]])),
    );
  return differencesOf(part(item), part(said), catalogExceptions);
}

/** The Specific Character Set of the file. */
function charsetOf(bytes: Buffer): string {
  const at = bytes.indexOf(Buffer.from([8, 0, 5, 0, 0x43, 0x53]));
  return at === -1 ? '' : bytes.toString('latin1', at + 8, at + 8 + bytes.readUInt16LE(at + 6)).trim();
}
