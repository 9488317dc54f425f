import type { Quantity } from '@medplum/fhirtypes';
import { isHuman } from '../human.limits.js';
import type { IssueCode } from '../issue.codes.js';
import type { QuantityRule } from '../observation.rule.js';
import { foldText } from '../words/folding.js';
import { convertUnits, unitOf } from './units.js';

/** The code system of UCUM. */
export const UCUM = 'http://unitsofmeasure.org';

/**
 * A quantity (a number with a unit). `fault` says why there is no quantity. `notes` are findings about a quantity that is used.
 */
export interface CheckedQuantity {
  readonly quantity?: Quantity;
  readonly fault?: IssueCode;
  readonly notes: readonly IssueCode[];
}

/** The parts of a written measurement. */
export interface WrittenNumber {
  readonly comparator?: '<' | '<=' | '>=' | '>';
  readonly digits: string;
  readonly unit: string;
}

const COMPARATORS: ReadonlyMap<string, '<' | '<=' | '>=' | '>'> = new Map([
  ['<', '<'],
  ['>', '>'],
  ['<=', '<='],
  ['>=', '>='],
  ['≤', '<='],
  ['≥', '>='],
]);
const MEASUREMENT =
  /^(?<comparator><=|>=|[<>≤≥])?\s*(?<digits>-?\d[\d.,]*)(?<unit>(?:\s.*|[\p{L}%°º"[({].*|\/\p{L}.*)?)$/u;

/** Separates a comparator, a number and a unit, for example `<4.0 mg/dL`. Returns undefined when the text is not a measurement. */
export function readMeasurement(text: string): WrittenNumber | undefined {
  const { comparator, digits, unit = '' } = MEASUREMENT.exec(text.normalize('NFKC').trim())?.groups ?? {};
  if (digits === undefined) return undefined;
  const sign = COMPARATORS.get(comparator ?? '');
  return { digits, unit: unit.trim(), ...(sign === undefined ? {} : { comparator: sign }) };
}

const NUMBERS: Readonly<Record<QuantityRule['decimal'], RegExp>> = {
  '.': /^-?\d{1,6}(?:\.\d{1,6})?$/u,
  ',': /^-?\d{1,6}(?:,\d{1,6})?$/u,
  either: /^-?\d{1,6}(?:[.,]\d{1,6})?$/u,
};

/** The value of a number with at most one decimal sign. The value is undefined for another text. */
export function readNumber(digits: string, decimal: QuantityRule['decimal']): number | undefined {
  // If both signs are allowed as the decimal sign, 1.234 is ambiguous: it can mean 1.234 or 1234.
  if (decimal === 'either' && /^-?[1-9]\d{0,2}[.,]\d{3}$/u.test(digits)) return undefined;
  if (!NUMBERS[decimal].test(digits)) return undefined;
  return Number(digits.replace(',', '.'));
}

/**
 * Reads a measurement: optionally a comparator, a number, and optionally a unit. A unit other than that of the rule is converted as UCUM
 * defines. `loinc` is the code of the measurement; it decides which values a human can have.
 */
export function readQuantity(text: string, rule: QuantityRule, loinc: string): CheckedQuantity {
  const written = readMeasurement(text);
  const number = written === undefined ? undefined : readNumber(written.digits, rule.decimal);
  if (written === undefined || number === undefined) return { fault: 'number-invalid', notes: [] };
  const isOwn = written.unit === '' || [rule.unit, rule.ucum].map(foldText).includes(foldText(written.unit));
  const unit = isOwn ? rule.ucum : unitOf(written.unit);
  const value = unit === undefined ? undefined : convertUnits(number, unit, rule.ucum);
  if (value === undefined) return { fault: 'unit-contradicts', notes: [] };
  const [least, most] = rule.possible ?? [-Infinity, Infinity];
  if (value < least || value > most || !isHuman(loinc, value, rule.ucum))
    return { fault: 'number-out-of-range', notes: [] };
  const [low, high] = rule.usual ?? [-Infinity, Infinity];
  const notes: IssueCode[] = unit === rule.ucum ? [] : ['unit-converted'];
  if (value < low || value > high) notes.push('number-unlikely');
  const { comparator } = written;
  return {
    quantity: {
      value,
      ...(comparator === undefined ? {} : { comparator }),
      unit: rule.unit,
      system: UCUM,
      code: rule.ucum,
    },
    notes,
  };
}
