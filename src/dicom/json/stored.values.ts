import { trimEndPadding, trimSpacesAndNul } from '../padding.js';
import type { JsonAttribute } from './dicom.json.js';
import { decodeText } from '../character.sets.js';

/** Specific Character Set of published metadata: JSON is always UTF-8 (PS3.18 F.2). */
export const UTF_8: JsonAttribute = { vr: 'CS', Value: ['ISO_IR 192'] };
/** VRs with exactly one text value. A backslash is an ordinary character, and leading spaces are significant (PS3.5 table 6.2-1). */
export const PARAGRAPH_VRS: ReadonlySet<string> = new Set(['LT', 'ST', 'UT', 'UR']);
const TEXTS: ReadonlySet<string> = new Set('AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT'.split(' '));
const WIDTHS: Readonly<Record<string, number>> = {
  US: 2,
  SS: 2,
  UL: 4,
  SL: 4,
  FL: 4,
  FD: 8,
  SV: 8,
  UV: 8,
  AT: 4,
};
const GROUPS = ['Alphabetic', 'Ideographic', 'Phonetic'] as const;
/** The range of an Integer String (PS3.5 table 6.2-1). */
const INTEGERS = { least: -(2 ** 31), most: 2 ** 31 - 1 };

/** An attribute whose value is replaced by the bulk data address `address` (PS3.18 F.2.6). */
export function bulkAttribute(vr: string, address: string): JsonAttribute {
  return { vr, BulkDataURI: address };
}

/**
 * Converts a stored value to the DICOM JSON model (PS3.18 F.2.2 to F.2.5), with text in UTF-8. JSON cannot express an infinite number, an
 * incomplete number at the end of the bytes, or a value of an unknown VR. Such a value becomes a reference to `address`, so that no byte is
 * lost.
 */
export function storedAttribute(
  vr: string,
  bytes: Buffer,
  { characterSet, big, address }: { characterSet: string; big: boolean; address: () => string },
): JsonAttribute {
  const width = WIDTHS[vr];
  if (width === undefined && !TEXTS.has(vr))
    return bytes.length === 0 ? { vr } : bulkAttribute('UN', address());
  const values = width === undefined ? textsOf(vr, bytes, characterSet) : numbersOf(vr, width, bytes, big);
  if (values === undefined) return bulkAttribute(vr, address());
  return values.length === 0 ? { vr } : { vr, Value: values };
}

function textsOf(vr: string, bytes: Buffer, characterSet: string): readonly unknown[] {
  const resets = PARAGRAPH_VRS.has(vr) ? '' : vr === 'PN' ? '\\^=' : '\\';
  const text = trimEndPadding(decodeText(bytes, characterSet, resets));
  if (text === '') return [];
  if (PARAGRAPH_VRS.has(vr)) return [text];
  return text
    .split('\\')
    .map((one) => textValue(vr, vr === 'UC' ? trimEndPadding(one) : trimSpacesAndNul(one)));
}

/** Converts one of several text values. An empty value becomes null (PS3.18 F.2.5). */
function textValue(vr: string, text: string): unknown {
  if (text === '') return null;
  if (vr === 'IS') return integerOf(text);
  return vr === 'PN' ? personName(text) : text;
}

/** Converts an Integer String to a number. An invalid string is returned unchanged (PS3.18 F.2.3). */
function integerOf(text: string): number | string {
  const value = /^[+-]?\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  return value >= INTEGERS.least && value <= INTEGERS.most ? value : text;
}

/** The component groups that are not empty (PS3.18 F.2.2). Returns null when all groups are empty. */
function personName(text: string): Readonly<Record<string, string>> | null {
  const groups = text.split('=').map((group, at) => [GROUPS[at], trimSpacesAndNul(group)] as const);
  const written = groups.filter(([name, group]) => name !== undefined && group !== '');
  return written.length === 0 ? null : Object.fromEntries(written);
}

/** Reads numbers, and tags as eight hexadecimal digits. Returns `undefined` when JSON cannot express one of the values. */
function numbersOf(vr: string, width: number, bytes: Buffer, big: boolean): readonly unknown[] | undefined {
  if (bytes.length % width !== 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const values = Array.from({ length: bytes.length / width }, (_, at) =>
    numberAt(vr, view, at * width, !big),
  );
  return values.every((value) => typeof value !== 'number' || Number.isFinite(value)) ? values : undefined;
}

/** Reads one number. Integers of 64 bits become text, because JSON readers round large numbers (PS3.18 F.2.3). */
function numberAt(vr: string, view: DataView, at: number, little: boolean): number | string {
  switch (vr) {
    case 'US':
      return view.getUint16(at, little);
    case 'SS':
      return view.getInt16(at, little);
    case 'UL':
      return view.getUint32(at, little);
    case 'SL':
      return view.getInt32(at, little);
    case 'FL':
      return view.getFloat32(at, little);
    case 'FD':
      return view.getFloat64(at, little);
    case 'AT':
      return hex(view.getUint16(at, little)) + hex(view.getUint16(at + 2, little));
    case 'SV':
      return view.getBigInt64(at, little).toString();
    default:
      return view.getBigUint64(at, little).toString();
  }
}

function hex(value: number): string {
  return value.toString(16).padStart(4, '0').toUpperCase();
}
