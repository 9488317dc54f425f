import type { PixelFormat } from '../../src/pixels/pixel.format.js';

/** The size of a made frame. */
export const [rows, columns] = [21, 33] as const;

/** The format of a made frame. */
export function pixelFormat(
  bitsAllocated: number,
  bitsStored: number,
  more: Partial<PixelFormat> = {},
): PixelFormat {
  const bits = { bitsAllocated, bitsStored, highBit: bitsStored - 1, isSigned: false };
  return { rows, columns, photometric: 'MONOCHROME2', isPlanar: false, numbers: 'integer', ...bits, ...more };
}

/** A smooth image with some noise, in `bits` bits per sample. */
export function painted(count: number, bits: number): number[] {
  return Array.from({ length: count }, (_, at) => (at * 5 + ((at * at * 31) % 7)) % 2 ** bits);
}

/** Samples as bytes, or as words in little endian. Negative samples are written in two's complement. */
export function bytesOf(values: readonly number[], width: 1 | 2): Uint8Array {
  const bytes = Buffer.alloc(values.length * width);
  values.forEach((value, at) => bytes.writeUIntLE(value & (256 ** width - 1), at * width, width));
  return Uint8Array.from(bytes);
}
