import type { JsonAttribute } from './dicom.json.js';
import { decodeText } from './header.text.js';

/** Value representations whose values are referred to, not told. */
export const BULK_VRS: ReadonlySet<string> = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'UN']);
/** Texts in which a backslash is a character and leading spaces count (PS3.5 table 6.2-1). */
const PARAGRAPHS = new Set<unknown>(['LT', 'ST', 'UT', 'UR']);
const GROUPS = ['Alphabetic', 'Ideographic', 'Phonetic'] as const;

/** Whether a value representation has just one value, whatever backslashes it holds. */
export function isParagraph(vr: unknown): boolean {
  return PARAGRAPHS.has(vr);
}

/** A binary value at a path of tags and item numbers from 1, as a reference to it (PS3.18 F.2.2). */
export function binaryAttribute(vr: string, path: string): JsonAttribute {
  return { vr, BulkDataURI: `/bulk/${path.toLowerCase()}` };
}

/** The bytes of a value in the DICOM JSON model (PS3.18 F.2.3): text as UTF-8, DS as written. */
export function storedAttribute(
  vr: string,
  bytes: Buffer,
  characterSet: string,
  big: boolean,
): JsonAttribute {
  const values = numbersOf(vr, bytes, big) ?? textsOf(vr, bytes, characterSet);
  return values.every((value) => value === null) ? { vr } : { vr, Value: values };
}

function textsOf(vr: string, bytes: Buffer, characterSet: string): unknown[] {
  const resets = PARAGRAPHS.has(vr) ? '' : vr === 'PN' ? '\\^=' : '\\';
  const text = decodeText(bytes, characterSet, resets).replace(/[ \0]+$/, '');
  if (PARAGRAPHS.has(vr)) return [text === '' ? null : text];
  return text.split('\\').map((one) => valueOf(vr, vr === 'UC' ? one : one.trim()));
}

function valueOf(vr: string, text: string): unknown {
  if (text === '') return null;
  if (vr === 'IS') return /^[+-]?\d{1,12}$/.test(text) ? Number(text) : null;
  if (vr !== 'PN') return text;
  const groups = text.split('=').map((group, at) => [GROUPS[at], group.trim()] as const);
  return Object.fromEntries(groups.filter(([name, group]) => name !== undefined && group !== ''));
}

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

/** Numbers, and tags as eight hexadecimal digits; `undefined` for a text. What JSON has no number for is null, or its digits. */
function numbersOf(vr: string, bytes: Buffer, big: boolean): unknown[] | undefined {
  const width = WIDTHS[vr];
  if (width === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: Math.floor(bytes.length / width) }, (_, at) =>
    numberAt(vr, view, at * width, !big),
  );
}

function numberAt(vr: string, view: DataView, at: number, little: boolean): unknown {
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
      return finite(view.getFloat32(at, little));
    case 'FD':
      return finite(view.getFloat64(at, little));
    case 'AT':
      return hex(view.getUint16(at, little)) + hex(view.getUint16(at + 2, little));
    case 'SV':
      return view.getBigInt64(at, little).toString();
    default:
      return view.getBigUint64(at, little).toString();
  }
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function hex(value: number): string {
  return value.toString(16).padStart(4, '0').toUpperCase();
}
