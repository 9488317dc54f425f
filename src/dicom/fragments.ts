import {
  type DataSetBytes,
  type ElementHead,
  IMPLICIT_LITTLE,
  ITEM,
  ITEM_END,
  openFile,
  PIXEL_DATA,
  SEQUENCE_END,
  UNDEFINED_LENGTH,
} from './data.set.bytes.js';
import { codingOf, type Coding } from './fragment.coding.js';
import type { Encoding } from './element.head.js';
import { DicomUnreadable } from './dicom.unreadable.js';

/** A fragment of encapsulated pixel data (PS3.5 §A.4): where its bytes lie in the file, and whether an image begins and ends with it. */
export interface Fragment {
  readonly at: number;
  readonly length: number;
  readonly begins: boolean;
  readonly ends: boolean;
}

/** Encapsulated pixel data without its pixels. Offsets are bytes from the first fragment's item on, as they are written; 0 offsets: no table. */
export interface Fragments {
  readonly all: readonly Fragment[];
  /** How the first image is coded, as far as its bytes tell. */
  readonly coding: Coding | undefined;
  readonly basicOffsets: readonly number[];
  readonly extendedOffsets: readonly number[];
  readonly extendedLengths: readonly number[];
}

const EXTENDED_OFFSETS = 0x7fe00001;
const EXTENDED_LENGTHS = 0x7fe00002;
const MOST_FRAGMENTS = 1_000_000;
const DEPTH = 64;
/** Enough of a fragment's beginning and end to tell code streams by. */
const HEAD = 16;
const TAIL = 4;

/** Reads a file up to the end of its encapsulated pixel data, in constant memory. Throws `DicomUnreadable` without such data. */
export async function readFragments(file: AsyncIterable<Buffer>): Promise<Fragments> {
  const { meta, encoding, dataSet, close } = await openFile(file);
  const start = 132 + meta.length;
  const tables = new Map<number, readonly number[]>();
  try {
    for (;;) {
      const head = await dataSet.head(encoding, true);
      if (head === undefined) throw new DicomUnreadable('structure', 'no encapsulated pixel data');
      if (head.tag === PIXEL_DATA && head.length === UNDEFINED_LENGTH) break;
      if (head.tag === EXTENDED_OFFSETS || head.tag === EXTENDED_LENGTHS)
        tables.set(head.tag, longs(await dataSet.take(head.length)));
      else await skipValue(dataSet, head, encoding, 0);
    }
    const table = await itemOf(dataSet, encoding);
    const basicOffsets = table === undefined ? [] : words(await dataSet.take(table));
    return {
      ...(table === undefined ? { all: [], coding: undefined } : await fragmentsOf(dataSet, encoding, start)),
      basicOffsets,
      extendedOffsets: tables.get(EXTENDED_OFFSETS) ?? [],
      extendedLengths: tables.get(EXTENDED_LENGTHS) ?? [],
    };
  } finally {
    close();
  }
}

async function fragmentsOf(
  dataSet: DataSetBytes,
  encoding: Encoding,
  start: number,
): Promise<Pick<Fragments, 'all' | 'coding'>> {
  const all: Fragment[] = [];
  let coding: Coding | undefined;
  let isFirst = true;
  for (
    let length = await itemOf(dataSet, encoding);
    length !== undefined;
    length = await itemOf(dataSet, encoding)
  ) {
    if (all.length === MOST_FRAGMENTS) throw new DicomUnreadable('too-large', 'too many fragments');
    const at = start + dataSet.at;
    const head = await dataSet.take(Math.min(HEAD, length));
    let tail = head.subarray(-TAIL);
    for await (const piece of dataSet.pass(length - head.length))
      tail = Buffer.concat([tail, piece.subarray(-TAIL)]).subarray(-TAIL);
    if (isFirst) coding = codingOf(head);
    isFirst &&= length === 0;
    all.push({
      at,
      length,
      begins: coding?.begins(head) === true,
      ends: length > 0 && coding?.ends(tail) === true,
    });
  }
  return { all, coding };
}

/** The length of the next item; `undefined` at the end of the pixel data. */
async function itemOf(dataSet: DataSetBytes, encoding: Encoding): Promise<number | undefined> {
  const head = await dataSet.head(encoding, false);
  if (head?.tag === SEQUENCE_END) return undefined;
  if (head?.tag !== ITEM || head.length === UNDEFINED_LENGTH)
    throw new DicomUnreadable('structure', 'compressed pixels hold something else than fragments');
  return head.length;
}

async function skipValue(
  dataSet: DataSetBytes,
  { vr, length }: ElementHead,
  encoding: Encoding,
  depth: number,
): Promise<void> {
  if (length !== UNDEFINED_LENGTH) return dataSet.skip(length);
  if (depth === DEPTH) throw new DicomUnreadable('too-deep', 'sequences nested too deep');
  // Items of a sequence written as UN are implicit (PS3.5 §6.2.2).
  const inner = vr === 'UN' ? IMPLICIT_LITTLE : encoding;
  for (;;) {
    const item = await dataSet.head(inner, false);
    if (item?.tag === SEQUENCE_END) return;
    if (item?.tag !== ITEM)
      throw new DicomUnreadable('structure', 'a sequence holds something else than items');
    if (item.length !== UNDEFINED_LENGTH) await dataSet.skip(item.length);
    else await skipItem(dataSet, inner, depth);
  }
}

async function skipItem(dataSet: DataSetBytes, encoding: Encoding, depth: number): Promise<void> {
  for (;;) {
    const head = await dataSet.head(encoding, false);
    if (head === undefined || head.tag === ITEM_END) return;
    await skipValue(dataSet, head, encoding, depth + 1);
  }
}

function words(bytes: Buffer): number[] {
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, index) => bytes.readUInt32LE(index * 4));
}

function longs(bytes: Buffer): number[] {
  return Array.from({ length: Math.floor(bytes.length / 8) }, (_, index) =>
    Number(bytes.readBigUInt64LE(index * 8)),
  );
}
