import { trimEndPadding, trimPadding } from '../padding.js';
import { decodeText } from '../character.sets.js';
import { BINARY_VRS, type Encoding } from '../element.decoder.js';

/** VRs in which a backslash is an ordinary character and leading spaces are significant (PS3.5 table 6.2-1). */
const PARAGRAPHS = new Set(['ST', 'LT', 'UT']);
const CHARACTER_SET = new Set(['LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UT']);
/** Requested elements that have the VR US in implicit VR. Those in `NAMES` have the VR PN. All others are read as LO. */
const UNSIGNED_SHORT = new Set(
  '00280002 00280006 00280010 00280011 00280100 00280101 00280102 00280103'.split(' '),
);
const NAMES = new Set([
  '00080090',
  '00081048',
  '00081050',
  '00081060',
  '00081070',
  '00100010',
  '00101001',
  '00321032',
]);

/**
 * Returns a value as text. Characters are decoded, and padding is removed (spaces, and NUL at the end). Numbers are written in decimal.
 * Several values are separated by backslashes. Returns `undefined` for binary values and sequences.
 */
export function textOf(
  tag: string,
  writtenVr: string,
  bytes: Buffer,
  encoding: Encoding,
  characterSet: string,
): string | undefined {
  // A known element with the VR UN is encoded in Implicit VR Little Endian (PS3.5 §6.2.2).
  const isImplicit = writtenVr === 'UN' || writtenVr === '';
  const vr = isImplicit ? vrOf(tag) : writtenVr;
  if (BINARY_VRS.has(vr) || vr === 'SQ') return undefined;
  const numbers = numbersOf(vr, bytes, encoding.big && !isImplicit);
  if (numbers !== undefined) return numbers.join('\\');
  const text = CHARACTER_SET.has(vr)
    ? decodeText(bytes, characterSet, PARAGRAPHS.has(vr) ? '' : vr === 'PN' ? '\\^=' : '\\')
    : bytes.toString('latin1');
  if (PARAGRAPHS.has(vr)) return trimEndPadding(text);
  return text
    .split('\\')
    .map((value) => trimPadding(trimEndPadding(value)))
    .join('\\');
}

function vrOf(tag: string): string {
  if (UNSIGNED_SHORT.has(tag)) return 'US';
  return NAMES.has(tag) ? 'PN' : 'LO';
}

function numbersOf(vr: string, bytes: Buffer, big: boolean): number[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const little = !big;
  switch (vr) {
    case 'US':
      return every(bytes, 2, (at) => view.getUint16(at, little));
    case 'SS':
      return every(bytes, 2, (at) => view.getInt16(at, little));
    case 'UL':
      return every(bytes, 4, (at) => view.getUint32(at, little));
    case 'SL':
      return every(bytes, 4, (at) => view.getInt32(at, little));
    case 'FL':
      return every(bytes, 4, (at) => view.getFloat32(at, little));
    case 'FD':
      return every(bytes, 8, (at) => view.getFloat64(at, little));
    default:
      return undefined;
  }
}

function every(bytes: Buffer, width: number, read: (at: number) => number): number[] {
  return Array.from({ length: Math.floor(bytes.length / width) }, (_, index) => read(index * width));
}
