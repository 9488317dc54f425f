import { encodeElement, itemHead } from '../media/directory.values.js';
import { encodeHead } from '../data.set.recoder.js';
import { EXPLICIT_LITTLE } from '../element.decoder.js';

/** The value of a new element: a text in UTF-8, bytes, or the items of a sequence. */
export type NewValue = string | Uint8Array | readonly (readonly MadeElement[])[];

/** An element of a new data set. */
export type MadeElement = readonly [tag: number, vr: string, value: NewValue];

/** Encodes elements in Explicit VR Little Endian, in ascending order of their tags (PS3.5 §7.1). */
export function encodeElements(elements: readonly MadeElement[]): Buffer {
  const sorted = elements.toSorted(([one], [other]) => one - other);
  return Buffer.concat(sorted.map(encode));
}

/** Numbers with the VR US. */
export function shorts(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 2);
  numbers.forEach((number, at) => bytes.writeUInt16LE(number, at * 2));
  return bytes;
}

/** A number with the VR UL. */
export function long(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(number);
  return bytes;
}

function encode([tag, vr, value]: MadeElement): Buffer {
  if (typeof value === 'string') return encodeElement(tag, vr, Buffer.from(value, 'utf8'));
  if (value instanceof Uint8Array) return encodeElement(tag, vr, Buffer.from(value));
  const items = value.map((elements) => {
    const bytes = encodeElements(elements);
    return Buffer.concat([itemHead(bytes.length), bytes]);
  });
  const content = Buffer.concat(items);
  return Buffer.concat([encodeHead(tag, vr, content.length, EXPLICIT_LITTLE), content]);
}
