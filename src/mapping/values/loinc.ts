/** The code system of LOINC. */
export const LOINC = 'http://loinc.org';

/** Whether a text is a LOINC code: up to seven digits, a hyphen, and the correct check digit (modulus 10, LOINC Users' Guide). */
export function isLoinc(text: string): boolean {
  const [, number, check] = /^([1-9]\d{0,6})-(\d)$/u.exec(text) ?? [];
  if (number === undefined) return false;
  const sum = Array.from(number)
    .reverse()
    .reduce((total, digit, at) => {
      const value = Number(digit) * (at % 2 === 0 ? 2 : 1);
      return total + (value > 9 ? value - 9 : value);
    }, 0);
  return (10 - (sum % 10)) % 10 === Number(check);
}
