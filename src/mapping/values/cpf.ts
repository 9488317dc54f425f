import { type Issue, issue } from '../issue.js';

/** The policy for wrong check digits. */
export type CheckDigitPolicy = 'error' | 'warn' | 'off';

/** The value of an identifier, and the issues of the cell. The value is missing when an issue rejects the row. */
export interface CheckedIdentifier {
  readonly value?: string;
  readonly issues: readonly Issue[];
}

/** Whether the text is a long number that a spreadsheet program rounded (`1,23E+10`). The lost digits cannot be restored. */
export const isScientific = (text: string): boolean => /^[+-]?\d+(?:[.,]\d+)?e[+-]?\d+$/iu.test(text.trim());

/** Reads a CPF (Brazilian tax number): removes punctuation, restores leading zeros, and checks the check digits as `policy` requires. */
export function readCpf(text: string, policy: CheckDigitPolicy, column: string): CheckedIdentifier {
  if (isScientific(text)) return { issues: [issue('identifier-scientific', column)] };
  const compact = text.replace(/[\s.\-/]/gu, '');
  if (!/^\d{8,11}$/u.test(compact)) return { issues: [issue('cpf-format', column)] };
  // A CPF with punctuation was stored as text, so it cannot have lost leading zeros.
  if (compact.length < 11 && compact !== text.trim()) return { issues: [issue('cpf-format', column)] };
  const value = compact.padStart(11, '0');
  if (/^(\d)\1{10}$/u.test(value)) return { issues: [issue('cpf-placeholder', column)] };
  const issues = compact.length < 11 ? [issue('cpf-padded', column)] : [];
  if (policy === 'off' || hasCheckDigits(value)) return { value, issues };
  const wrong = issue('cpf-check-digits', column, policy === 'error' ? 'error' : 'warning');
  return policy === 'error' ? { issues: [...issues, wrong] } : { value, issues: [...issues, wrong] };
}

/** Whether the last two of the eleven digits are the correct check digits of the first nine digits (weighted sums modulo 11). */
export function hasCheckDigits(cpf: string): boolean {
  const digits = Array.from(cpf, Number);
  const check = (length: number) => {
    const sum = digits.slice(0, length).reduce((total, digit, at) => total + digit * (length + 1 - at), 0);
    return ((sum * 10) % 11) % 10;
  };
  return check(9) === digits[9] && check(10) === digits[10];
}
