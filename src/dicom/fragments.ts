import { type DataSetBytes, openFile } from './data.set.bytes.js';
import { DicomUnreadable } from './dicom.unreadable.js';
import { type Encoding, PIXEL_DATA, UNDEFINED_LENGTH } from './element.decoder.js';
import { PREFIX_END } from './file.meta.js';
import { codingOf, type Coding } from './fragment.coding.js';

/**
 * A fragment of encapsulated pixel data (PS3.5 §A.4): the position of its bytes in the file, and whether an image begins or ends with this
 * fragment.
 */
export interface Fragment {
  readonly at: number;
  readonly length: number;
  readonly begins: boolean;
  readonly ends: boolean;
}

/**
 * The structure of encapsulated pixel data, without the pixels. Offsets are in bytes from the item of the first fragment, as in the file.
 * If the file has no offset table, the list of offsets is empty.
 */
export interface Fragments {
  readonly all: readonly Fragment[];
  /** The coding of the first image. `undefined` when the coding is unknown. */
  readonly coding: Coding | undefined;
  readonly basicOffsets: readonly number[];
  readonly extendedOffsets: readonly number[];
  readonly extendedLengths: readonly number[];
}

const EXTENDED_OFFSETS = 0x7fe00001;
const EXTENDED_LENGTHS = 0x7fe00002;
const MOST_FRAGMENTS = 1_000_000;
/** Numbers of bytes at the start and at the end of a fragment that are read to recognise the coding. */
const HEAD = 16;
const TAIL = 4;

/**
 * Reads a file up to the end of its encapsulated pixel data. The pixels are not kept in memory. Throws `DicomUnreadable` when the file has
 * no encapsulated pixel data.
 */
export async function readFragments(file: AsyncIterable<Buffer>): Promise<Fragments> {
  const { meta, encoding, dataSet, close } = await openFile(file);
  const start = PREFIX_END + meta.length;
  const tables = new Map<number, readonly number[]>();
  try {
    for (;;) {
      const head = await dataSet.head(encoding, true);
      if (head === undefined) throw new DicomUnreadable('structure', 'no encapsulated pixel data');
      if (head.tag === PIXEL_DATA && head.length === UNDEFINED_LENGTH) break;
      if (head.tag === EXTENDED_OFFSETS || head.tag === EXTENDED_LENGTHS)
        tables.set(head.tag, uint64s(await dataSet.take(head.length)));
      else await dataSet.skipValue(head, encoding);
    }
    const table = await dataSet.fragment(encoding);
    const basicOffsets = table === undefined ? [] : uint32s(await dataSet.take(table));
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
    let length = await dataSet.fragment(encoding);
    length !== undefined;
    length = await dataSet.fragment(encoding)
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

function uint32s(bytes: Buffer): number[] {
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, index) => bytes.readUInt32LE(index * 4));
}

function uint64s(bytes: Buffer): number[] {
  return Array.from({ length: Math.floor(bytes.length / 8) }, (_, index) =>
    Number(bytes.readBigUInt64LE(index * 8)),
  );
}
