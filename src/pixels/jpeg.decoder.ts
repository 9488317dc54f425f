import { nativeSamples, requireAgreement } from './decoded.samples.js';
import { jpegFrameHeader } from './jpeg.markers.js';
import type { PixelFormat } from './pixel.format.js';
import { PixelsRefused } from './pixels.refused.js';
import { decodeInInstance, type WasmDecoder, type WasmProgram, wasmProgram } from './wasm.codec.js';

type Turbo = { readonly JPEGDecoder: new () => WasmDecoder };

const PACKAGE = '@cornerstonejs/codec-libjpeg-turbo-8bit';
let opened: WasmProgram<Turbo> | undefined;

/** Baseline and extended sequential processes with Huffman coding. */
const SEQUENTIAL = new Set([0xc0, 0xc1]);

/**
 * Decodes a JPEG baseline frame (ISO/IEC 10918-1) of 8 bits per sample. Colours become RGB, whatever the stream contains. Throws
 * `PixelsRefused` when the stream contradicts the format or is broken.
 */
export async function decodeJpeg(format: PixelFormat, encoded: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const header = jpegFrameHeader(encoded);
  if (!SEQUENTIAL.has(header.marker) || header.precision !== 8)
    throw new PixelsRefused('pixels that are not JPEG baseline');
  requireAgreement(format, header);
  opened ??= wasmProgram(`${PACKAGE}/decodewasmjs`, `${PACKAGE}/decodewasm`);
  return decodeInInstance(opened, encoded, ({ JPEGDecoder }, decode) => {
    const decoder = decode(new JPEGDecoder());
    const { width, height, componentCount, bitsPerSample } = decoder.getFrameInfo();
    const found = { rows: height, columns: width, components: componentCount, precision: bitsPerSample };
    requireAgreement(format, found);
    // The copy leaves the memory of the instance.
    const samples = new Uint8Array(decoder.getDecodedBuffer());
    return nativeSamples(format, { samples, bitsPerSample, isPlanar: false });
  });
}
