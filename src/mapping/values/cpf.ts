import { type Issue, issue } from '../issue.js';

/** What to do with wrong check digits. */
export type CheckDigitPolicy = 'error' | 'warn' | 'off';

/** Eleven digits, or nothing when an issue rejects the row. */
export interface CheckedIdentifier {
  readonly value?: string;
  readonly issues: readonly Issue[];
}

/** What a spreadsheet makes of a long number: digits are lost, nobody can tell which. */
export const isScientific = (text: string): boolean => /^[+-]?\d+(?:[.,]\d+)?e[+-]?\d+$/iu.test(text.trim());

/** Reads a CPF (Brazilian tax number): punctuation goes, zeros that a spreadsheet ate come back, check digits by policy. */
export function readCpf(text: string, policy: CheckDigitPolicy, column: string): CheckedIdentifier {
  if (isScientific(text)) return { issues: [issue('identifier-scientific', column)] };
  const compact = text.replace(/[\s.\-/]/gu, '');
  if (!/^\d{8,11}$/u.test(compact)) return { issues: [issue('cpf-format', column)] };
  // Only a bare number can have lost its zeros; punctuation shows that it was text.
  if (compact.length < 11 && compact !== text.trim()) return { issues: [issue('cpf-format', column)] };
  const value = compact.padStart(11, '0');
  if (/^(\d)\1{10}$/u.test(value)) return { issues: [issue('cpf-placeholder', column)] };
  const issues = compact.length < 11 ? [issue('cpf-padded', column)] : [];
  if (policy === 'off' || hasCheckDigits(value)) return { value, issues };
  const wrong = issue('cpf-check-digits', column, policy === 'error' ? 'error' : 'warning');
  return policy === 'error' ? { issues: [...issues, wrong] } : { value, issues: [...issues, wrong] };
}

/** Whether the last two of eleven digits follow from the first nine (weighted sums modulo 11). */
export function hasCheckDigits(cpf: string): boolean {
  const digits = Array.from(cpf, Number);
  const check = (length: number) => {
    const sum = digits.slice(0, length).reduce((total, digit, at) => total + digit * (length + 1 - at), 0);
    return ((sum * 10) % 11) % 10;
  };
  return check(9) === digits[9] && check(10) === digits[10];
}
