/**
 * The functions of PS3.3 §C.11.2.1.2.1, §C.11.2.1.3.1 and §C.11.2.1.3.2, as the standard writes them. Their results are from 0 to 255 and not
 * rounded.
 */
export const windowFormulas = {
  LINEAR: (x: number, c: number, w: number) => {
    if (x <= c - 0.5 - (w - 1) / 2) return 0;
    if (x > c - 0.5 + (w - 1) / 2) return 255;
    return ((x - (c - 0.5)) / (w - 1) + 0.5) * 255;
  },
  LINEAR_EXACT: (x: number, c: number, w: number) => {
    if (x <= c - w / 2) return 0;
    if (x > c + w / 2) return 255;
    return ((x - c) / w + 0.5) * 255;
  },
  SIGMOID: (x: number, c: number, w: number) => 255 / (1 + Math.exp((-4 * (x - c)) / w)),
} as const;
