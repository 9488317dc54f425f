import type { SelectedValues } from '../dicom/selected.values.js';
import { PixelsRefused } from './pixels.refused.js';

/**
 * A lookup table (PS3.3 §C.11.1, §C.11.2, §C.7.6.3.1.5). `first`: the input of the first entry. Smaller inputs get the first entry, larger
 * inputs the last entry. `bits`: the number of bits of an entry.
 */
export interface LookupTable {
  readonly first: number;
  readonly bits: number;
  readonly entries: Uint16Array;
}

/**
 * Reads a table with its descriptor. `isSigned`: whether the first input is signed, if the VR does not show it. Throws `PixelsRefused` when
 * the table is shorter than its descriptor.
 */
export function readLookupTable(
  values: SelectedValues,
  descriptor: number,
  data: number,
  isSigned: boolean,
): LookupTable {
  const { count, first, bits } = describedTable(values, descriptor, isSigned);
  const bytes = values.bytes(data);
  if (bytes.length >= count * 2) return withBits(first, bits, littleEndianWords(bytes, count));
  if (bits > 8 || bytes.length < count) throw shorter();
  return { first, bits: 8, entries: Uint16Array.from(bytes.subarray(0, count)) };
}

/** The descriptor of a table. A count of 0 means 65536 (PS3.3 §C.11.1.1.1). */
export function describedTable(
  values: SelectedValues,
  descriptor: number,
  isSigned: boolean,
): { readonly count: number; readonly first: number; readonly bits: number } {
  const [count, , bits] = values.shorts(descriptor);
  const vr = values.vrOf(descriptor);
  const first = values.shorts(descriptor, vr === 'SS' || isSigned)[1];
  if (count === undefined || first === undefined || bits === undefined || bits < 1 || bits > 16)
    throw new PixelsRefused('a lookup table without a valid descriptor');
  return { count: count === 0 ? 65_536 : count, first, bits };
}

/** The entry for an input. */
export function lookUp({ first, entries }: LookupTable, input: number): number {
  const at = Math.min(Math.max(Math.round(input) - first, 0), entries.length - 1);
  return entries[at] ?? 0;
}

/** Some descriptors claim fewer bits than the entries have. Then the number of bits follows from the largest entry. */
export function withBits(first: number, bits: number, entries: Uint16Array): LookupTable {
  const largest = entries.reduce((most, entry) => Math.max(most, entry), 0);
  return { first, bits: Math.max(bits, 32 - Math.clz32(largest)), entries };
}

/** The first `count` words of little endian bytes. */
export function littleEndianWords(bytes: Buffer, count = Math.floor(bytes.length / 2)): Uint16Array {
  return Uint16Array.from({ length: count }, (_, at) => bytes.readUInt16LE(at * 2));
}

export function shorter(): PixelsRefused {
  return new PixelsRefused('a lookup table is shorter than its descriptor');
}
