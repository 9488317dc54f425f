/** Coefficients and samples of a block. */
export const BLOCK = 64;

/** The position of each coefficient of the zigzag sequence in a block (ISO/IEC 10918-1 figure A.6). */
export const ZIGZAG = Uint8Array.from([
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46,
  53, 60, 61, 54, 47, 55, 62, 63,
]);

/** Half of the cosines of n π / 16. */
const [C1, C2, C3, C4, C5, C6, C7] = [
  0.490392640201615, 0.461939766255643, 0.415734806151273, 0.353553390593274, 0.277785116509801,
  0.191341716182545, 0.097545161008064,
] as const;

/** Transforms a block in place by the inverse DCT (ISO/IEC 10918-1 §A.3.3). */
export function inverseTransform(block: Float64Array): void {
  for (let row = 0; row < BLOCK; row += 8) transformLine(block, row, 1);
  for (let column = 0; column < 8; column += 1) transformLine(block, column, 8);
}

/** Transforms eight coefficients with a distance of `step`. The coefficients with even and with odd numbers are separate sums. */
function transformLine(block: Float64Array, at: number, step: number): void {
  const s0 = block[at] ?? 0;
  const s1 = block[at + step] ?? 0;
  const s2 = block[at + 2 * step] ?? 0;
  const s3 = block[at + 3 * step] ?? 0;
  const s4 = block[at + 4 * step] ?? 0;
  const s5 = block[at + 5 * step] ?? 0;
  const s6 = block[at + 6 * step] ?? 0;
  const s7 = block[at + 7 * step] ?? 0;
  const sum = C4 * (s0 + s4);
  const rest = C4 * (s0 - s4);
  const wide = C2 * s2 + C6 * s6;
  const narrow = C6 * s2 - C2 * s6;
  const odd0 = C1 * s1 + C3 * s3 + C5 * s5 + C7 * s7;
  const odd1 = C3 * s1 - C7 * s3 - C1 * s5 - C5 * s7;
  const odd2 = C5 * s1 - C1 * s3 + C7 * s5 + C3 * s7;
  const odd3 = C7 * s1 - C5 * s3 + C3 * s5 - C1 * s7;
  block[at] = sum + wide + odd0;
  block[at + step] = rest + narrow + odd1;
  block[at + 2 * step] = rest - narrow + odd2;
  block[at + 3 * step] = sum - wide + odd3;
  block[at + 4 * step] = sum - wide - odd3;
  block[at + 5 * step] = rest - narrow - odd2;
  block[at + 6 * step] = rest + narrow - odd1;
  block[at + 7 * step] = sum + wide - odd0;
}
