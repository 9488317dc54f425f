import type { DecodedFrame } from '../frame.decoder.js';
import { inInstance, type WasmProgram, wasmProgram } from '../codecs/wasm.codec.js';
import { codedSamples } from './coded.samples.js';

interface JpegLsEncoder {
  getDecodedBuffer(frame: {
    readonly width: number;
    readonly height: number;
    readonly bitsPerSample: number;
    readonly componentCount: number;
  }): Uint8Array;
  setNearLossless(error: number): void;
  /** 0: planes, 1: lines, 2: samples. */
  setInterleaveMode(mode: number): void;
  encode(): void;
  getEncodedBuffer(): Uint8Array;
  delete(): void;
}
type CharLs = { readonly JpegLSEncoder: new () => JpegLsEncoder };

const PACKAGE = '@cornerstonejs/codec-charls';
let opened: WasmProgram<CharLs> | undefined;
const SAMPLES = 2;

/**
 * Compresses a frame by JPEG-LS without loss (ISO/IEC 14495-1). Throws `PixelsRefused` for pixels that cannot be compressed.
 */
export function encodeJpegLs(frame: DecodedFrame): Promise<Uint8Array<ArrayBuffer>> {
  const { width, height, bits, components, samples } = codedSamples(frame, 'kept');
  opened ??= wasmProgram(`${PACKAGE}/wasmjs`, `${PACKAGE}/wasm`);
  return inInstance(opened, 'the pixels cannot be compressed', ({ JpegLSEncoder }, keep) => {
    const encoder = keep(new JpegLSEncoder());
    encoder
      .getDecodedBuffer({ width, height, bitsPerSample: bits, componentCount: components })
      .set(new Uint8Array(samples.buffer));
    encoder.setNearLossless(0);
    encoder.setInterleaveMode(components === 1 ? 0 : SAMPLES);
    encoder.encode();
    // The copy leaves the memory of the instance.
    return new Uint8Array(encoder.getEncodedBuffer());
  });
}
