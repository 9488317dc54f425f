/** The code system of LOINC. */
export const LOINC = 'http://loinc.org';

/** The check digit of LOINC (modulus 10, LOINC Users' Guide): from the right, every second digit is doubled, beginning with the last. */
function checkDigit(digits: string): number {
  const sum = Array.from(digits)
    .reverse()
    .reduce((total, digit, at) => {
      const value = Number(digit) * (at % 2 === 0 ? 2 : 1);
      return total + (value > 9 ? value - 9 : value);
    }, 0);
  return (10 - (sum % 10)) % 10;
}

/** Whether a text is a LOINC code of a test or a question: up to seven digits, a hyphen, and the correct check digit. */
export function isLoinc(text: string): boolean {
  const [, digits, check] = /^([1-9]\d{0,6})-(\d)$/u.exec(text) ?? [];
  return digits !== undefined && checkDigit(digits) === Number(check);
}

/** Whether a text is a LOINC code of an answer, such as `LA15173-0`. The letters count in the check digit. */
export function isLoincAnswer(text: string): boolean {
  const [, digits, check] = /^LA([1-9]\d{0,6})-(\d)$/u.exec(text) ?? [];
  if (digits === undefined) return false;
  // The letters L and A add a constant. It depends on which of them is doubled, so on the number of digits.
  const letters = digits.length % 2 === 0 ? 5 : 2;
  return (checkDigit(digits) + letters) % 10 === Number(check);
}
