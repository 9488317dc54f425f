import { signedCodestream } from '../codecs/jpeg2000.header.js';
import { inInstance, type WasmProgram, wasmProgram } from '../codecs/wasm.codec.js';
import type { DecodedFrame } from '../frame.decoder.js';
import { PixelsRefused } from '../pixels.refused.js';
import { codedSamples } from './coded.samples.js';
import { decompositions } from './jpeg2000.encoder.js';
import { losslessStream, type WasmEncoder } from './wasm.encoder.js';

type Image = Parameters<WasmEncoder['getDecodedBuffer']>[0] & { readonly isUsingColorTransform: boolean };

interface Htj2kEncoder extends WasmEncoder<Image> {
  setProgressionOrder(order: number): void;
  setTLMMarker(isWritten: boolean): void;
}
type OpenJph = { readonly HTJ2KEncoder: new () => Htj2kEncoder };

const PACKAGE = '@cornerstonejs/codec-openjph';
let opened: WasmProgram<OpenJph> | undefined;
/** Resolution, position, component, layer. */
const RPCL = 2;
/** Longest side of the lowest resolution, in pixels. */
const LOWEST_SIDE = 64;

/**
 * Compresses a frame by High-Throughput JPEG 2000 without loss (ISO/IEC 15444-15). RGB is transformed by RCT. The stream is in the order of
 * resolutions, with the lengths of its tile-parts, so that it is valid in all HTJ2K transfer syntaxes (PS3.5 §A.4.11). Throws
 * `PixelsRefused` for pixels that cannot be compressed.
 */
export async function encodeHtj2k(frame: DecodedFrame): Promise<Uint8Array<ArrayBuffer>> {
  const { width, height, bits, components, isSigned, samples } = codedSamples(frame, 'moved');
  // The codec loses bits of such colours.
  if (components === 3 && bits > 8) throw new PixelsRefused('HTJ2K of colours with more than 8 bits');
  opened ??= wasmProgram(`${PACKAGE}/wasmjs`, `${PACKAGE}/wasm`);
  const stream = await inInstance(opened, 'the pixels cannot be compressed', ({ HTJ2KEncoder }, keep) => {
    const encoder = keep(new HTJ2KEncoder());
    const isUsingColorTransform = frame.format.photometric === 'RGB';
    const size = { width, height, bitsPerSample: bits, componentCount: components, isSigned: false };
    encoder.setProgressionOrder(RPCL);
    encoder.setTLMMarker(true);
    const needed = Math.ceil(Math.log2(Math.max(width, height) / LOWEST_SIDE));
    // Without a decomposition, the codec loses the smallest value.
    const levels = Math.max(1, decompositions(width, height), needed);
    const image = { ...size, isUsingColorTransform };
    return losslessStream(encoder, image, new Uint8Array(samples.buffer), levels);
  });
  return isSigned ? signedCodestream(stream) : stream;
}
