import { expect } from 'vitest';
import type { Codec } from '../../src/dicom/transfer.syntaxes.js';
import { decodeFrame } from '../../src/pixels/frame.decoder.js';
import type { PixelFormat } from '../../src/pixels/pixel.format.js';
import { PixelsRefused } from '../../src/pixels/pixels.refused.js';

/** The refusal of a stream. Undefined when the stream is decoded to `length` bytes. Any other outcome fails the test. */
export async function refusalOf(
  codec: Codec,
  format: PixelFormat,
  stream: Uint8Array,
  length: number,
): Promise<PixelsRefused | undefined> {
  const outcome = await decodeFrame(codec, format, stream).catch((error: unknown) => error);
  if (outcome instanceof PixelsRefused) return outcome;
  expect(outcome).toMatchObject({ bytes: { length } });
  return undefined;
}

/** Tests that streams are refused. */
export async function expectRefused(
  codec: Codec,
  all: readonly (readonly [format: PixelFormat, stream: Uint8Array])[],
): Promise<void> {
  for (const [index, [format, bytes]] of all.entries())
    await expect(decodeFrame(codec, format, bytes), String(index)).rejects.toBeInstanceOf(PixelsRefused);
}

/** Copies of a stream with one bit changed: every `step`th bit. */
export function* withChangedBits(stream: Uint8Array, step: number): Generator<Uint8Array> {
  for (let bit = 0; bit < stream.length * 8; bit += step) {
    const copy = Uint8Array.from(stream);
    copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    yield copy;
  }
}
