import type { JpegFrameHeader } from './jpeg.markers.js';

/** Rows and columns of a block. */
export const SIDE = 8;

/** The samples of a component. A component of full size has its samples in the pixels; another has samples of its own. */
export interface Plane {
  readonly samples: Uint16Array;
  readonly rows: number;
  readonly columns: number;
  /** The index of the first sample, and the distance between neighbours of a row. */
  readonly offset: number;
  readonly step: number;
}

type Size = Pick<Plane, 'rows' | 'columns'>;

/** The largest sampling factors of the components. */
export function largestFactors({ sampling }: JpegFrameHeader): { across: number; down: number } {
  return {
    across: Math.max(...sampling.map(({ across }) => across)),
    down: Math.max(...sampling.map(({ down }) => down)),
  };
}

/** The sizes of the components (ISO/IEC 10918-1 §A.1.1). */
export function componentSizes(header: JpegFrameHeader): readonly Size[] {
  const most = largestFactors(header);
  return header.sampling.map(({ across, down }) => ({
    rows: Math.ceil((header.rows * down) / most.down),
    columns: Math.ceil((header.columns * across) / most.across),
  }));
}

/** Blocks that cover a component. */
export function blocksOf({ rows, columns }: Size): { across: number; down: number } {
  return { across: Math.ceil(columns / SIDE), down: Math.ceil(rows / SIDE) };
}

/** The planes of the components. `pixels`: the samples of the frame, pixel by pixel. */
export function planesOf(header: JpegFrameHeader, pixels: Uint16Array): readonly Plane[] {
  return componentSizes(header).map(({ rows, columns }, offset) =>
    rows === header.rows && columns === header.columns
      ? { samples: pixels, rows, columns, offset, step: header.components }
      : { samples: new Uint16Array(rows * columns), rows, columns, offset: 0, step: 1 },
  );
}

/** Copies the part of a block that is inside of its plane. Samples are shifted to be unsigned, and limited to their range. */
export function placeBlock(
  block: Float64Array,
  plane: Plane,
  precision: number,
  left: number,
  top: number,
): void {
  const { samples, rows, columns, offset, step } = plane;
  const half = 2 ** (precision - 1);
  const [width, height] = [Math.min(SIDE, columns - left), Math.min(SIDE, rows - top)];
  for (let y = 0; y < height; y += 1) {
    const to = offset + ((top + y) * columns + left) * step;
    for (let x = 0; x < width; x += 1) {
      const value = Math.round((block[y * SIDE + x] ?? 0) + half);
      samples[to + x * step] = Math.max(0, Math.min(value, half * 2 - 1));
    }
  }
}

/**
 * Writes a component of fewer samples to the pixels. Values between its samples are interpolated. Its samples are in the middle of the
 * pixels that share them, as in JFIF.
 */
export function spreadPlane(plane: Plane, index: number, header: JpegFrameHeader, pixels: Uint16Array): void {
  if (plane.samples === pixels) return;
  const most = largestFactors(header);
  const { across = 1, down = 1 } = header.sampling[index] ?? {};
  const columns = Array.from({ length: header.columns }, (_, x) =>
    between(x, across / most.across, plane.columns),
  );
  for (let y = 0, to = index; y < header.rows; y += 1) {
    const row = between(y, down / most.down, plane.rows);
    const [above, below] = [row.from * plane.columns, row.to * plane.columns];
    for (const { from, to: next, share } of columns) {
      const upper = mixed(plane.samples[above + from] ?? 0, plane.samples[above + next] ?? 0, share);
      const lower = mixed(plane.samples[below + from] ?? 0, plane.samples[below + next] ?? 0, share);
      pixels[to] = Math.round(mixed(upper, lower, row.share));
      to += header.components;
    }
  }
}

/** Converts pixels of Y, CB and CR to RGB in place (PS3.3 §C.7.6.3.1.2). */
export function toRgb(pixels: Uint16Array, precision: number): void {
  const half = 2 ** (precision - 1);
  const limited = (value: number) => Math.max(0, Math.min(Math.round(value), half * 2 - 1));
  for (let at = 0; at + 2 < pixels.length; at += 3) {
    const y = pixels[at] ?? 0;
    const cb = (pixels[at + 1] ?? 0) - half;
    const cr = (pixels[at + 2] ?? 0) - half;
    pixels[at] = limited(y + 1.402 * cr);
    pixels[at + 1] = limited(y - 0.344136 * cb - 0.714136 * cr);
    pixels[at + 2] = limited(y + 1.772 * cb);
  }
}

/** The two samples around the middle of a pixel, and the share of the second. `ratio`: samples for each pixel. */
function between(pixel: number, ratio: number, size: number): { from: number; to: number; share: number } {
  const position = (pixel + 0.5) * ratio - 0.5;
  const before = Math.floor(position);
  const inside = (at: number) => Math.max(0, Math.min(at, size - 1));
  return { from: inside(before), to: inside(before + 1), share: position - before };
}

function mixed(one: number, other: number, share: number): number {
  return one + (other - one) * share;
}
