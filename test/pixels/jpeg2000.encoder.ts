import { createRequire } from 'node:module';
import { columns, rows } from './made.frames.ts';

interface Encoder {
  getDecodedBuffer(info: {
    width: number;
    height: number;
    bitsPerSample: number;
    componentCount: number;
    isSigned: boolean;
  }): Uint8Array;
  setQuality(isLossless: boolean, layers: number): void;
  setTileSize(size: { width: number; height: number }): void;
  setProgressionOrder(order: number): void;
  setDecompositions(levels: number): void;
  encode(): void;
  getEncodedBuffer(): Uint8Array;
  delete(): void;
}

const load = createRequire(import.meta.url);
const openEncoder: (options: object) => Promise<{ readonly J2KEncoder: new () => Encoder }> = load(
  '@cornerstonejs/codec-openjpeg/wasmjs',
);

/** The form of a stream. */
export interface Jpeg2000Form {
  readonly components?: number;
  readonly tile?: number;
  readonly order?: number;
  readonly width?: number;
  readonly height?: number;
}

/** Compresses samples of `bits` bits by JPEG 2000 without loss: bytes for up to 8 bits, words in little endian for more. */
export async function encodedJpeg2000(
  samples: Uint8Array,
  bits: number,
  { components = 1, tile = 0, order = 2, width, height }: Jpeg2000Form = {},
): Promise<Uint8Array> {
  const silent = { print: () => undefined, printErr: () => undefined };
  const encoder = new (await openEncoder(silent)).J2KEncoder();
  const size = { width: width ?? columns, height: height ?? rows };
  encoder
    .getDecodedBuffer({ ...size, bitsPerSample: bits, componentCount: components, isSigned: false })
    .set(samples);
  encoder.setQuality(true, 0);
  encoder.setProgressionOrder(order);
  // The encoder refuses more decompositions than the image has.
  encoder.setDecompositions(Math.min(size.width, size.height) < 4 ? 0 : 2);
  if (tile > 0) encoder.setTileSize({ width: tile, height: tile });
  encoder.encode();
  const stream = Uint8Array.from(encoder.getEncodedBuffer());
  encoder.delete();
  return stream;
}
