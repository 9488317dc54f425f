import { createRequire } from 'node:module';
import { columns, rows } from './made.frames.ts';

interface Encoder {
  getDecodedBuffer(info: {
    width: number;
    height: number;
    bitsPerSample: number;
    componentCount: number;
  }): Uint8Array;
  setNearLossless(error: number): void;
  setInterleaveMode(mode: number): void;
  encode(): void;
  getEncodedBuffer(): Uint8Array;
  delete(): void;
}

const load = createRequire(import.meta.url);
const openEncoder: () => Promise<{ readonly JpegLSEncoder: new () => Encoder }> = load(
  '@cornerstonejs/codec-charls/wasmjs',
);

/** The form of a stream. `mode`: 0 for planes, 1 for lines, 2 for samples. `near`: the largest error. */
export interface JpegLsForm {
  readonly components?: number;
  readonly mode?: number;
  readonly near?: number;
  readonly height?: number;
  readonly width?: number;
}

/** Compresses samples of `bits` bits by JPEG-LS: bytes for up to 8 bits, words in little endian for more. */
export async function encodedJpegLs(
  samples: Uint8Array,
  bits: number,
  { components = 1, mode = 0, near = 0, height = rows, width = columns }: JpegLsForm = {},
): Promise<Uint8Array> {
  const encoder = new (await openEncoder()).JpegLSEncoder();
  encoder.getDecodedBuffer({ width, height, bitsPerSample: bits, componentCount: components }).set(samples);
  encoder.setNearLossless(near);
  encoder.setInterleaveMode(mode);
  encoder.encode();
  const stream = Uint8Array.from(encoder.getEncodedBuffer());
  encoder.delete();
  return stream;
}
