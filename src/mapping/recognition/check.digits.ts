import { hasCheckDigits } from '../values/cpf.js';

/** National patient numbers that this module can recognise by their form. */
export const NATIONAL_NUMBERS = ['cpf', 'cns', 'nhs_number', 'nir', 'kvnr', 'dni'] as const;
export type NationalNumber = (typeof NATIONAL_NUMBERS)[number];

interface NumberForm {
  /** The form of the number without spaces, dots and hyphens. */
  readonly form: RegExp;
  readonly check: (compact: string) => boolean;
}

const weighted = (digits: string, weights: readonly number[]): number =>
  weights.reduce((sum, weight, at) => sum + weight * Number(digits.charAt(at)), 0);

/** The number of the NHS of England: ten digits, the last one modulo 11. */
function isNhsNumber(digits: string): boolean {
  const check = 11 - (weighted(digits, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11);
  return check !== 10 && check % 11 === Number(digits.charAt(9));
}

/** The health card number of Brazil: 15 digits, whose weighted sum is a multiple of 11. */
const isCns = (digits: string): boolean =>
  weighted(digits, [15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]) % 11 === 0;

/** The social security number of France: 13 characters (2A and 2B for Corsica) and a key modulo 97. */
function isNir(text: string): boolean {
  const number = text.slice(0, 13).replace('2A', '19').replace('2B', '18');
  return 97 - Number(BigInt(number) % 97n) === Number(text.slice(13));
}

/** The insurance number of Germany: a letter, eight digits and a check digit. The letter counts as two digits. */
function isKvnr(text: string): boolean {
  const letter = String(text.charCodeAt(0) - 64).padStart(2, '0');
  const sum = Array.from(letter + text.slice(1, 9), (digit, at) => {
    const product = Number(digit) * (at % 2 === 0 ? 1 : 2);
    return product > 9 ? product - 9 : product;
  }).reduce((total, one) => total + one, 0);
  return sum % 10 === Number(text.charAt(9));
}

/** The identity number of Spain: eight digits and a letter (DNI), or X, Y or Z, seven digits and a letter (NIE). */
function isDni(text: string): boolean {
  const digits = text.slice(0, -1).replace(/^[XYZ]/u, (letter) => String('XYZ'.indexOf(letter)));
  return 'TRWAGMYFPDXBNJZSQVHLCKE'.charAt(Number(digits) % 23) === text.at(-1);
}

const FORMS: Readonly<Record<NationalNumber, NumberForm>> = {
  cpf: { form: /^\d{11}$/u, check: hasCheckDigits },
  cns: { form: /^[1-9]\d{14}$/u, check: isCns },
  nhs_number: { form: /^\d{10}$/u, check: isNhsNumber },
  nir: { form: /^[1-478]\d{4}(?:\d{2}|2[AB])\d{8}$/u, check: isNir },
  kvnr: { form: /^[A-Z]\d{9}$/u, check: isKvnr },
  dni: { form: /^(?:\d{8}|[XYZ]\d{7})[A-Z]$/u, check: isDni },
};

/** The national numbers whose form a text has, and whether its check digits are right for each of them. */
export function nationalNumbers(text: string): Map<NationalNumber, boolean> {
  const compact = text.toUpperCase().replace(/[\s.\-/]/gu, '');
  const found = new Map<NationalNumber, boolean>();
  if (compact.length < 9 || compact.length > 15) return found;
  for (const kind of NATIONAL_NUMBERS)
    if (FORMS[kind].form.test(compact)) found.set(kind, FORMS[kind].check(compact));
  return found;
}
