import type { DecodedFrame } from '../frame.decoder.js';
import { signedCodestream } from '../codecs/jpeg2000.header.js';
import { PixelsRefused } from '../pixels.refused.js';
import { inInstance, type WasmProgram, wasmProgram } from '../codecs/wasm.codec.js';
import { codedSamples } from './coded.samples.js';
import { losslessStream, type WasmEncoder } from './wasm.encoder.js';

type OpenJpeg = { readonly J2KEncoder: new () => WasmEncoder };

const PACKAGE = '@cornerstonejs/codec-openjpeg';
let opened: WasmProgram<OpenJpeg> | undefined;

/**
 * Compresses a frame by JPEG 2000 without loss (ISO/IEC 15444-1). RGB is transformed by RCT. Throws `PixelsRefused` for pixels that cannot
 * be compressed.
 */
export async function encodeJpeg2000(frame: DecodedFrame): Promise<Uint8Array<ArrayBuffer>> {
  requireNoOtherColours(frame);
  const { width, height, bits, components, isSigned, samples } = codedSamples(frame, 'moved');
  // The encoder reads outside of its memory for such colours.
  if (components === 3 && bits > 8) throw new PixelsRefused('JPEG 2000 of colours with more than 8 bits');
  opened ??= wasmProgram(`${PACKAGE}/wasmjs`, `${PACKAGE}/wasm`);
  const stream = await inInstance(opened, 'the pixels cannot be compressed', ({ J2KEncoder }, keep) => {
    const image = { width, height, bitsPerSample: bits, componentCount: components, isSigned: false };
    const levels = decompositions(width, height);
    return losslessStream(keep(new J2KEncoder()), image, new Uint8Array(samples.buffer), levels);
  });
  return isSigned ? signedCodestream(stream) : stream;
}

/** The encoder would transform YBR_FULL by RCT, as if it were RGB. Throws `PixelsRefused`. */
export function requireNoOtherColours({ format }: DecodedFrame): void {
  if (format.photometric === 'YBR_FULL')
    throw new PixelsRefused('YBR_FULL cannot be compressed by JPEG 2000');
}

/** The number of decompositions: at most five, and at most as often as the shorter side can be halved. */
export function decompositions(width: number, height: number): number {
  return Math.min(5, Math.floor(Math.log2(Math.min(width, height))));
}
