import { type Issue, issue } from '../issue.js';
import { foldText } from '../words/folding.js';
import { isScientific } from './cpf.js';

/** Texts that stand for a missing identifier. A mapping document can list other texts. */
export const PLACEHOLDERS: readonly string[] = [
  'N/A',
  '#N/A',
  'NA',
  'none',
  'null',
  'nil',
  'unknown',
  'desconhecido',
  'desconocido',
  'inconnu',
  'unbekannt',
  '-',
  '?',
  '0',
  '000',
];
const LONGEST = 128;

/** Whether a text stands for a missing identifier. Case and accents are ignored. If `0` is listed, every sequence of zeros counts. */
export function isPlaceholder(text: string, placeholders: readonly string[]): boolean {
  // The texts of a mapping are folded once, because this runs for each row.
  const keys = keysOf.get(placeholders) ?? new Set(placeholders.map((one) => placeholderKey(one)));
  keysOf.set(placeholders, keys);
  return keys.has(placeholderKey(text));
}

const keysOf = new WeakMap<readonly string[], ReadonlySet<string>>();

/** A sequence of zeros, dashes, dots or question marks counts as one of them. */
const placeholderKey = (text: string): string =>
  foldText(text)
    .replace(/[‐-―]/gu, '-')
    .replace(/^([0\-.?])\1*$/u, '$1');

/** A record number, and the issues of its cell. `former` is the value that earlier versions used, if it differs. */
export interface RecordNumber {
  readonly value?: string;
  readonly former?: string;
  readonly issues: readonly Issue[];
}

/**
 * Reads a record number. Leading zeros are kept. A spreadsheet program may have added a decimal part (`123.0`), which is removed. Spaces of
 * every kind around the number are removed.
 */
export function readRecordNumber(text: string, column: string): RecordNumber {
  if (isScientific(text)) return { issues: [issue('identifier-scientific', column)] };
  if (text.length > LONGEST) return { issues: [issue('cell-too-long', column)] };
  const value = text.replace(/^[\s\u200B\uFEFF]+|[\s\u200B\uFEFF]+$/gu, '').replace(/^(\d+)\.0+$/u, '$1');
  return { value, issues: [], ...(value === text ? {} : { former: text }) };
}

/**
 * Reads a national number such as `943 476 5919`. Spaces, dots, hyphens and slashes are removed, and letters become upper case, because each
 * list writes such numbers in its own way.
 */
export function readNationalNumber(text: string, column: string): RecordNumber {
  const { value, issues } = readRecordNumber(text, column);
  if (value === undefined) return { issues };
  const compact = value.replace(/[\s./\u2010-\u2015-]/gu, '').toUpperCase();
  // A text of separators alone is not a number.
  if (compact === '') return { issues: [issue('identifier-placeholder', column)] };
  return { value: compact, issues, ...(compact === text ? {} : { former: text }) };
}
