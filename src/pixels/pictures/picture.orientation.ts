import type { PictureSize } from '../viewport.js';

/** Uncompressed samples, pixel by pixel. `pixelBytes`: the size of a pixel. */
export interface Samples extends PictureSize {
  readonly pixelBytes: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The tag Orientation of a picture (Exif 3.0 §4.6.5.1.6). */
const ORIENTATION = 0x0112;
const SHORT = 3;
const MOST_ENTRIES = 512;

/**
 * Reads the orientation from the TIFF structure of an Exif segment: 1 to 8. 1 is the normal orientation. Returns 1 if the structure has no
 * orientation or is broken, because a picture without Exif has the same meaning.
 */
export function exifOrientation(tiff: Uint8Array): number {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.length);
  if (tiff.length < 14) return 1;
  const mark = view.getUint16(0);
  if (mark !== 0x4949 && mark !== 0x4d4d) return 1;
  const isLittle = mark === 0x4949;
  const start = view.getUint32(4, isLittle);
  if (start + 2 > tiff.length) return 1;
  const entries = Math.min(view.getUint16(start, isLittle), MOST_ENTRIES);
  for (let at = start + 2; at + 12 <= tiff.length && at < start + 2 + entries * 12; at += 12) {
    if (view.getUint16(at, isLittle) !== ORIENTATION || view.getUint16(at + 2, isLittle) !== SHORT) continue;
    const value = view.getUint16(at + 8, isLittle);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

/** Moves each pixel to the place that the orientation gives it. No sample changes. */
export function upright(picture: Samples, orientation: number): Samples {
  if (orientation === 1) return picture;
  const { width, height, pixelBytes, bytes } = picture;
  const isTurned = orientation >= 5;
  const [newWidth, newHeight] = isTurned ? [height, width] : [width, height];
  const moved = new Uint8Array(bytes.length);
  for (let y = 0; y < newHeight; y += 1)
    for (let x = 0; x < newWidth; x += 1) {
      const [fromX, fromY] = sourceOf(orientation, x, y, width, height);
      const from = (fromY * width + fromX) * pixelBytes;
      const to = (y * newWidth + x) * pixelBytes;
      for (let part = 0; part < pixelBytes; part += 1) moved[to + part] = bytes[from + part] ?? 0;
    }
  return { width: newWidth, height: newHeight, pixelBytes, bytes: moved };
}

/** The column and row of the stored picture that are shown at `x` and `y`. */
function sourceOf(
  orientation: number,
  x: number,
  y: number,
  width: number,
  height: number,
): readonly [number, number] {
  const [right, bottom] = [width - 1, height - 1];
  if (orientation === 2) return [right - x, y];
  if (orientation === 3) return [right - x, bottom - y];
  if (orientation === 4) return [x, bottom - y];
  if (orientation === 5) return [y, x];
  if (orientation === 6) return [y, bottom - x];
  if (orientation === 7) return [right - y, bottom - x];
  return [right - y, x];
}
