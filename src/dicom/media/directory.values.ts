import { encodeHead } from '../data.set.recoder.js';
import { EXPLICIT_LITTLE, isShortForm, ITEM } from '../element.decoder.js';
import type { SelectedValues } from '../selected.values.js';
import { CONTENT_SEQUENCE, RELATIONSHIP, type RecordKey } from './directory.keys.js';

/** The longest value in bytes that fits into the short form of an element (PS3.5 §7.1.2). */
const MAX_SHORT = 0xfffe;

/** Encodes the keys of one record in ascending order (PS3.5 §7.1). `position`: the number of the record among its siblings, from 1. */
export function encodeKeys(keys: readonly RecordKey[], values: SelectedValues, position: number): Buffer {
  const sorted = keys.toSorted(({ tag: one }, { tag: other }) => one - other);
  return Buffer.concat(sorted.map((key) => encodeKey(key, values, position)));
}

/** An element in Explicit VR Little Endian. The value is padded to an even length (PS3.5 §6.2). */
export function encodeElement(tag: number, vr: string, value: Buffer | string): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : value;
  const padding = Buffer.alloc(bytes.length % 2, vr === 'UI' || vr === 'OB' ? 0 : ' ');
  return Buffer.concat([encodeHead(tag, vr, bytes.length + padding.length, EXPLICIT_LITTLE), bytes, padding]);
}

/** A number in an element with the VR US or UL. */
export function encodeNumber(tag: number, vr: 'US' | 'UL', value: number): Buffer {
  return encodeElement(tag, vr, numberBytes(vr, value));
}

/** The head of an item of `length` bytes. */
export function itemHead(length: number): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(ITEM >>> 16, 0);
  head.writeUInt16LE(ITEM & 0xffff, 2);
  head.writeUInt32LE(length, 4);
  return head;
}

function numberBytes(vr: 'US' | 'UL', value: number): Buffer {
  const bytes = Buffer.alloc(vr === 'US' ? 2 : 4);
  bytes.writeUIntLE(value, 0, bytes.length);
  return bytes;
}

function encodeKey(key: RecordKey, values: SelectedValues, position: number): Buffer {
  const { tag, vr, type, items, fallback } = key;
  if (items !== undefined) return encodeSequence(key, items, values);
  const found = [tag, ...(key.others ?? [])].find((one) => isUsable(values, one, vr));
  if (found !== undefined) return encodeElement(tag, vr, values.bytes(found));
  if (fallback !== undefined) return encodeElement(tag, vr, fallbackBytes(vr, fallback, position));
  return type === 3 ? Buffer.alloc(0) : encodeElement(tag, vr, '');
}

function fallbackBytes(vr: string, fallback: string, position: number): Buffer {
  if (vr === 'US' || vr === 'UL') return numberBytes(vr, Number(fallback));
  return Buffer.from(fallback.replace('#', String(position)), 'latin1');
}

/** Whether the file has a value that is not only padding, and that fits. */
function isUsable(values: SelectedValues, tag: number, vr: string): boolean {
  const { length } = values.bytes(tag);
  if (vr === 'US' || vr === 'UL') return length === (vr === 'US' ? 2 : 4);
  return values.text(tag) !== '' && (length <= MAX_SHORT || !isShortForm(vr));
}

function encodeSequence(
  { tag, type }: RecordKey,
  keys: readonly RecordKey[],
  values: SelectedValues,
): Buffer {
  const all = values.items(tag);
  // Only items that modify the title belong into the directory (PS3.3 §F.5.25).
  const used =
    tag === CONTENT_SEQUENCE ? all.filter((item) => item.text(RELATIONSHIP) === 'HAS CONCEPT MOD') : all;
  if (used.length === 0 && type === 3) return Buffer.alloc(0);
  const items = used.flatMap((item) => {
    const bytes = encodeKeys(keys, item, 1);
    return [itemHead(bytes.length), bytes];
  });
  const value = Buffer.concat(items);
  return Buffer.concat([encodeHead(tag, 'SQ', value.length, EXPLICIT_LITTLE), value]);
}
