import { createRequire } from 'node:module';
import { columns, rows } from './made.frames.ts';

interface Encoder {
  getDecodedBuffer(info: {
    width: number;
    height: number;
    bitsPerSample: number;
    componentCount: number;
    isSigned: boolean;
    isUsingColorTransform: boolean;
  }): Uint8Array;
  setQuality(isLossless: boolean, step: number): void;
  setTileSize(size: { width: number; height: number }): void;
  setProgressionOrder(order: number): void;
  setTLMMarker(isWritten: boolean): void;
  setDecompositions(levels: number): void;
  encode(): void;
  getEncodedBuffer(): Uint8Array;
  delete(): void;
}

const load = createRequire(import.meta.url);
const openEncoder: (options: object) => Promise<{ readonly HTJ2KEncoder: new () => Encoder }> = load(
  '@cornerstonejs/codec-openjph/wasmjs',
);

interface Form {
  readonly components?: number;
  readonly transform?: boolean;
  readonly tile?: number;
  readonly order?: number;
  readonly markers?: boolean;
  readonly step?: number;
  readonly width?: number;
  readonly height?: number;
}

/** Compresses samples of `bits` bits by HTJ2K: bytes for up to 8 bits, words in little endian for more. */
export async function encodedHtj2k(samples: Uint8Array, bits: number, form: Form = {}): Promise<Uint8Array> {
  const silent = { print: () => undefined, printErr: () => undefined };
  const encoder = new (await openEncoder(silent)).HTJ2KEncoder();
  const { components = 1, transform = components === 3 } = form;
  const { width = columns, height = rows } = form;
  const info = { width, height, bitsPerSample: bits, componentCount: components };
  encoder.getDecodedBuffer({ ...info, isSigned: false, isUsingColorTransform: transform }).set(samples);
  encoder.setQuality(form.step === undefined, form.step ?? 0);
  encoder.setDecompositions(3);
  if (form.order !== undefined) encoder.setProgressionOrder(form.order);
  if (form.markers === true) encoder.setTLMMarker(true);
  if (form.tile !== undefined) encoder.setTileSize({ width: form.tile, height: form.tile });
  encoder.encode();
  const stream = Uint8Array.from(encoder.getEncodedBuffer());
  encoder.delete();
  return stream;
}
