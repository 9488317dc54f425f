const MULTIPLY = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((row) =>
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((column) => dihedral(row, column)),
);
const FIRST = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
/** The permutations of the Verhoeff algorithm. Row n is the base permutation applied n times. Row 8 would equal row 0. */
const PERMUTE = Array.from({ length: 8 }, (_, times) =>
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((digit) => {
    let moved = digit;
    for (let time = 0; time < times; time += 1) moved = FIRST[moved] ?? 0;
    return moved;
  }),
);

/** The product of two elements of the dihedral group D5. The elements 0 to 4 are rotations, and 5 to 9 are reflections. */
function dihedral(one: number, other: number): number {
  const turn = one < 5 ? (one + (other % 5)) % 5 : (one - (other % 5) + 5) % 5;
  const mirrored = one < 5 !== other < 5;
  return mirrored ? turn + 5 : turn;
}

/** Whether the last digit is the Verhoeff check digit of the digits before it. */
export function passesVerhoeff(digits: string): boolean {
  let check = 0;
  for (const [place, digit] of Array.from(digits).reverse().entries())
    check = MULTIPLY[check]?.[PERMUTE[place % 8]?.[Number(digit)] ?? 0] ?? 0;
  return check === 0;
}

/** Whether a text looks like a typed SNOMED CT identifier: 6 to 18 digits. */
export const looksLikeCode = (text: string): boolean => /^\d{6,18}$/u.test(text.trim());

/** Whether a text is a SNOMED CT concept identifier: 6 to 18 digits, no leading zero, partition 00 or 10, valid check digit. */
export function isConceptId(text: string): boolean {
  if (!/^[1-9]\d{5,17}$/u.test(text)) return false;
  const partition = text.slice(-3, -1);
  if (partition !== '00' && !(partition === '10' && text.length >= 11)) return false;
  return passesVerhoeff(text);
}
