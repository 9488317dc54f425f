/** A window (PS3.3 §C.11.2.1.2, §C.11.2.1.3) in modality units, with its VOI LUT Function. */
export interface VoiWindow {
  readonly center: number;
  readonly width: number;
  readonly shape: 'LINEAR' | 'LINEAR_EXACT' | 'SIGMOID';
}

/** Largest value of a picture, which is white. */
export const WHITE = 255;

/** Whether the width of the window is permitted for its function. */
export function isValidWindow({ center, width, shape }: VoiWindow): boolean {
  return Number.isFinite(center) && Number.isFinite(width) && (shape === 'LINEAR' ? width >= 1 : width > 0);
}

/** The function of a window. Its results are from 0 (black) to 255 (white) and not rounded. */
export function windowFunction({ center, width, shape }: VoiWindow): (value: number) => number {
  if (shape === 'SIGMOID') return (value) => WHITE / (1 + Math.exp((-4 * (value - center)) / width));
  // Both ends of a LINEAR window are pixel values, so it is one unit narrower, and its center is half a unit lower.
  const [middle, span] = shape === 'LINEAR' ? [center - 0.5, width - 1] : [center, width];
  const [from, to] = [middle - span / 2, middle + span / 2];
  return (value) => {
    if (value <= from) return 0;
    return value > to ? WHITE : ((value - middle) / span + 0.5) * WHITE;
  };
}

/** The function that maps `least` to black and `most` to white. If both are equal, larger values are white. */
export function rangeFunction(least: number, most: number): (value: number) => number {
  return windowFunction({ center: (least + most) / 2, width: most - least, shape: 'LINEAR_EXACT' });
}
