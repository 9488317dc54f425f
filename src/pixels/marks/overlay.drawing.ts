import type { Canvas } from './canvas.js';
import type { OverlayPlane } from './overlay.planes.js';

/**
 * Draws overlay planes into a rendered frame. Pixels outside of the frame are left out. `word`: returns the stored word of a pixel, for
 * embedded planes. `value`: the value of the drawn samples.
 */
export function drawOverlays(
  { width, height, channels, samples }: Canvas,
  planes: readonly OverlayPlane[],
  word: (at: number) => number,
  value: number,
): void {
  for (const plane of planes) {
    const isSet = bitReader(plane, word);
    const [fromRow, toRow] = [Math.max(0, -plane.top), Math.min(plane.rows, height - plane.top)];
    const [fromColumn, toColumn] = [Math.max(0, -plane.left), Math.min(plane.columns, width - plane.left)];
    for (let row = fromRow; row < toRow; row += 1)
      for (let column = fromColumn; column < toColumn; column += 1) {
        if (!isSet(row * plane.columns + column)) continue;
        const at = ((row + plane.top) * width + column + plane.left) * channels;
        samples.fill(value, at, at + channels);
      }
  }
}

/** Returns the function that reads the bit of the plane at an index. */
export function bitReader(
  { bits, firstBit, embedded = 0 }: OverlayPlane,
  word: (at: number) => number,
): (at: number) => boolean {
  if (bits === undefined) return (at) => Math.floor(word(at) / 2 ** embedded) % 2 === 1;
  return (at) => {
    const bit = firstBit + at;
    return (((bits[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1;
  };
}
