import { expect, it } from 'vitest';
import type { Codec } from '../../src/dicom/transfer.syntaxes.js';
import { decodeFrame } from '../../src/pixels/frame.decoder.js';
import { bytesOf, columns, painted, pixelFormat, rows } from './made.frames.ts';

/** Bits Allocated and Bits Stored. */
const DEPTHS = [
  [8, 8],
  [8, 5],
  [16, 16],
  [16, 12],
  [16, 8],
] as const;

/** Numbers of rows and columns. */
const SIZES = [
  [1, 1],
  [1, 17],
  [17, 1],
  [7, 1001],
  [65_535, 1],
  [1, 65_535],
] as const;

/** Tests that grey frames come back exactly. `encoded` compresses samples of `bits` bits without loss. */
export function greyRoundTrip(
  codec: Codec,
  encoded: (
    samples: Uint8Array,
    bits: number,
    size?: { readonly width: number; readonly height: number },
  ) => Promise<Uint8Array>,
): void {
  it.each(DEPTHS)('grey of %i bits with %i stored comes back exactly', async (allocated, stored) => {
    const values = painted(rows * columns, stored);
    const stream = await encoded(bytesOf(values, stored > 8 ? 2 : 1), stored);
    const { bytes } = await decodeFrame(codec, pixelFormat(allocated, stored), stream);
    expect(bytes).toEqual(bytesOf(values, allocated > 8 ? 2 : 1));
  });
  it.each(SIZES)('grey of %i rows and %i columns comes back exactly', async (height, width) => {
    const samples = bytesOf(painted(height * width, 8), 1);
    const stream = await encoded(samples, 8, { width, height });
    const format = pixelFormat(8, 8, { rows: height, columns: width });
    const { bytes } = await decodeFrame(codec, format, stream);
    expect(Buffer.from(bytes).equals(samples)).toBe(true);
  });
}
