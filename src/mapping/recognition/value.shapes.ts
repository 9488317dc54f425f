import { readMeasurement, readNumber } from '../values/quantity.js';
import { genderOf } from '../values/gender.js';
import { findIcdCode } from '../values/icd.js';
import { isLoinc } from '../values/loinc.js';
import { isPlaceholder, PLACEHOLDERS } from '../values/record.number.js';
import { isConceptId } from '../values/snomed.id.js';
import { unitOf } from '../values/units.js';
import { nationalNumbers } from './check.digits.js';
import { type DateFacts, dateFactsOf } from './date.facts.js';

/** The shapes that a cell can have. A cell can have several of them. */
export const SHAPES = [
  'placeholder',
  'date',
  'sex',
  'sex-number',
  'number',
  'integer',
  'with-unit',
  'comparator',
  'pressure',
  'range',
  'icd',
  'loinc',
  'snomed',
  'unit',
  'phone',
  'email',
  'code',
  'postal',
  'words',
  'name-comma',
  'cpf',
  'cns',
  'nhs_number',
  'nir',
  'kvnr',
  'dni',
  'valid-cpf',
  'valid-cns',
  'valid-nhs_number',
  'valid-nir',
  'valid-kvnr',
  'valid-dni',
] as const;
export type Shape = (typeof SHAPES)[number];

/** What one cell says: its shapes, its date, and its number. */
export interface ValueFacts {
  readonly shapes: readonly Shape[];
  readonly date?: DateFacts;
  /** The number of the cell and its unit as a UCUM code, if it has one. */
  readonly number?: { readonly value: number; readonly unit: string | undefined };
  /** The sign before the decimals: `.` or `,`. Undefined for an integer, and for a text such as 1.234, which can be a thousand. */
  readonly decimal?: '.' | ',';
}

const PRESSURE = /^\d{2,3}\s*[/x×\\]\s*\d{2,3}(?:\s*mm\s*\/?\s*hg)?$/iu;
const RANGE =
  /^(?:-?[\d.,]+\s*(?:-|–|a|to|até|bis|à)\s*-?[\d.,]+|(?:<=?|>=?|≤|≥|até|up to|bis|inf\S*|sup\S*)\s*-?[\d.,]+)(?:\s*\S{1,12})?$/iu;
const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/u;
const POSTAL =
  /^(?:\d{4,5}(?:-?\d{3,4})?|[a-z]{1,2}\d[a-z\d]?\s*\d[a-z]{2}|[a-z]\d[a-z]\s*\d[a-z]\d|d-\d{5})$/iu;
const LETTERS = /^[\p{L}\p{M}'’.,()\-\s]+$/u;
const LONGEST = 200;
const LONGEST_PLACEHOLDER = 20;

/** The facts about a text. The text is trimmed and not empty. */
export function valueFacts(text: string): ValueFacts {
  const shapes = new Set<Shape>();
  if (text.length <= LONGEST_PLACEHOLDER && isPlaceholder(text, PLACEHOLDERS)) shapes.add('placeholder');
  if (text.length > LONGEST) return { shapes: [...shapes] };
  const hasDigit = /\d/u.test(text);
  if (!hasDigit) {
    // V is the initial of the Spanish word "varón".
    if (genderOf(text) !== undefined || /^v\.?$/iu.test(text)) shapes.add('sex');
    if (EMAIL.test(text)) shapes.add('email');
    if (LETTERS.test(text)) shapes.add('words');
    if (/^\p{Lu}[^,]*,\s*\p{L}[^,]*$/u.test(text)) shapes.add('name-comma');
    if (text.length <= 20 && unitOf(text) !== undefined) shapes.add('unit');
    return { shapes: [...shapes] };
  }
  const date = dateFactsOf(text);
  if (date !== undefined) shapes.add('date');
  addDigitShapes(text, shapes);
  const written = date === undefined || /^\d{8}$/u.test(text) ? readMeasurement(text) : undefined;
  const numbered = written === undefined ? undefined : numberOf(written.digits);
  if (written !== undefined && numbered !== undefined) {
    const unit = written.unit === '' ? undefined : unitOf(written.unit);
    if (written.unit === '' || unit !== undefined) shapes.add('number');
    if (unit !== undefined) shapes.add('with-unit');
    if (written.comparator !== undefined) shapes.add('comparator');
    if (/^\d+$/u.test(text)) shapes.add('integer');
    if (written.unit === '' || unit !== undefined)
      return {
        shapes: [...shapes],
        ...(date === undefined ? {} : { date }),
        number: { value: numbered.value, unit },
        ...(numbered.decimal === undefined ? {} : { decimal: numbered.decimal }),
      };
  }
  return { shapes: [...shapes], ...(date === undefined ? {} : { date }) };
}

function addDigitShapes(text: string, shapes: Set<Shape>): void {
  if (/^[0129]$/u.test(text)) shapes.add('sex-number');
  if (PRESSURE.test(text)) shapes.add('pressure');
  else if (RANGE.test(text)) shapes.add('range');
  if (isIcdList(text)) shapes.add('icd');
  if (isLoinc(text)) shapes.add('loinc');
  if (isConceptId(text)) shapes.add('snomed');
  if (EMAIL.test(text)) shapes.add('email');
  if (POSTAL.test(text)) shapes.add('postal');
  if (text.length <= 20 && !/^[\d.,]+$/u.test(text) && unitOf(text) !== undefined) shapes.add('unit');
  if (isPhone(text)) shapes.add('phone');
  if (/^[\p{L}\d][\p{L}\d./\-_=" ]{0,39}$/u.test(text) && !/\p{L}{3}[^\d]*\s/u.test(text)) shapes.add('code');
  for (const [kind, isValid] of nationalNumbers(text)) {
    shapes.add(kind);
    if (isValid) shapes.add(`valid-${kind}`);
  }
}

/** Whether all items of a text are ICD-10 codes, also with their texts as in `E11.9 Diabetes`. */
function isIcdList(text: string): boolean {
  const items = text.split(/[;,|/\n+]/u).map((item) => item.trim());
  const filled = items.filter((item) => item !== '');
  return filled.length > 0 && filled.every((item) => findIcdCode(item) !== undefined);
}

/** Whether a text begins like a phone number: at least seven digits with the signs of phone numbers. */
function isPhone(text: string): boolean {
  const digits = text.replace(/\D/gu, '').length;
  if (digits < 7 || digits > 30) return false;
  return /^(?:tel\S*\s*)?[+(\d][\d\s().\-/]{6,}(?:$|[\s;|,(/].*)/iu.test(text);
}

function numberOf(digits: string): { value: number; decimal?: '.' | ',' } | undefined {
  const value = readNumber(digits, 'either');
  if (value !== undefined) {
    const sign = /[.,]/u.exec(digits)?.[0];
    return sign === '.' || sign === ',' ? { value, decimal: sign } : { value };
  }
  // A group of three digits after a sign is ambiguous. For the profile, the value is read as a decimal.
  if (/^-?\d{1,3}[.,]\d{3}$/u.test(digits)) return { value: Number(digits.replace(',', '.')) };
  if (/^-?\d{7,15}$/u.test(digits)) return { value: Number(digits) };
  return undefined;
}
