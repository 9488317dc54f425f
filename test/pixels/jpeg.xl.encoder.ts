import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { WasmFactory } from '../../src/pixels/codecs/wasm.codec.js';
import { columns, rows } from './made.frames.ts';

interface Encoder {
  getDecodedBuffer(info: {
    width: number;
    height: number;
    bitsPerSample: number;
    componentCount: number;
    isSigned: boolean;
  }): Uint8Array;
  setLossless(isLossless: boolean): void;
  setDistance(distance: number): void;
  setEffort(effort: number): void;
  encode(): void;
  getEncodedBuffer(): Uint8Array;
  delete(): void;
}

const load = createRequire(import.meta.url);
// This codec is an ECMAScript module for browsers. In Node, its WebAssembly program must be instantiated by the caller.
const module: { readonly default: WasmFactory<{ readonly JpegXLEncoder: new () => Encoder }> } = load(
  '@cornerstonejs/codec-libjxl/encodewasmjs',
);
interface Form {
  readonly components?: number;
  readonly distance?: number;
  readonly height?: number;
  readonly width?: number;
}

let program: WebAssembly.Module | undefined;

/** Compresses samples of `bits` bits by JPEG XL: bytes for up to 8 bits, words in little endian for more. */
export async function encodedJpegXl(
  samples: Uint8Array,
  bits: number,
  { components = 1, distance = 0, height = rows, width = columns }: Form = {},
): Promise<Uint8Array> {
  program ??= new WebAssembly.Module(
    new Uint8Array(readFileSync(load.resolve('@cornerstonejs/codec-libjxl/encodewasm'))),
  );
  const compiled = program;
  const codec = await module.default({
    instantiateWasm: (imports, receive) => {
      const instance = new WebAssembly.Instance(compiled, imports);
      receive(instance);
      return instance.exports;
    },
    print: () => undefined,
    printErr: () => undefined,
  });
  const encoder = new codec.JpegXLEncoder();
  const info = { width, height, bitsPerSample: bits, componentCount: components, isSigned: false };
  encoder.getDecodedBuffer(info).set(samples);
  encoder.setLossless(distance === 0);
  if (distance > 0) encoder.setDistance(distance);
  encoder.setEffort(3);
  encoder.encode();
  const stream = Uint8Array.from(encoder.getEncodedBuffer());
  encoder.delete();
  return stream;
}
