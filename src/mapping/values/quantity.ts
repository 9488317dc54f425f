import type { Quantity } from '@medplum/fhirtypes';
import { foldText } from '../words/folding.js';
import { type Issue, issue } from '../issue.js';
import type { QuantityRule } from '../observation.rule.js';

/** A quantity (a number with a unit), and the issues of the cell. `quantity` is missing when an issue rejects the row. */
export interface CheckedQuantity {
  readonly quantity?: Quantity;
  readonly issues: readonly Issue[];
}

/** Reads a measurement: digits, at most one decimal sign (of those that the mapping allows), and optionally the unit of the column. */
export function readQuantity(text: string, rule: QuantityRule, column: string | undefined): CheckedQuantity {
  const units = [rule.unit, rule.ucum].map(foldText);
  const folded = foldText(text);
  const unit = units.find((candidate) => folded.endsWith(candidate));
  const digits = (unit === undefined ? folded : folded.slice(0, -unit.length)).trim();
  const signs = rule.decimal === 'either' ? '[.,]' : `\\${rule.decimal}`;
  // If both signs are allowed as the decimal sign, 1.234 is ambiguous: it can mean 1.234 or 1234.
  const thousands = rule.decimal === 'either' && /^[1-9]\d{0,2}[.,]\d{3}$/u.test(digits);
  if (thousands || !new RegExp(`^\\d{1,6}(?:${signs}\\d{1,6})?$`, 'u').test(digits))
    return { issues: [issue('number-invalid', column)] };
  const value = Number(digits.replace(',', '.'));
  const [least, most] = rule.possible;
  if (value < least || value > most) return { issues: [issue('number-out-of-range', column)] };
  const quantity = { value, unit: rule.unit, system: 'http://unitsofmeasure.org', code: rule.ucum };
  const [low, high] = rule.usual ?? rule.possible;
  return { quantity, issues: value < low || value > high ? [issue('number-unlikely', column)] : [] };
}
