import { nativeSamples, requireAgreement } from './decoded.samples.js';
import { decodeJpeg12 } from './jpeg.extended.decoder.js';
import { jpegFrameHeader } from './jpeg.markers.js';
import type { PixelFormat } from '../pixel.format.js';
import { PixelsRefused } from '../pixels.refused.js';
import { decodeInInstance, type WasmDecoder, type WasmProgram, wasmProgram } from './wasm.codec.js';

type Turbo = { readonly JPEGDecoder: new () => WasmDecoder };

const PACKAGE = '@cornerstonejs/codec-libjpeg-turbo-8bit';
let opened: WasmProgram<Turbo> | undefined;

/** The Adobe marker segment (ISO/IEC 10918-6 §6.5.3) that says that the colours are not transformed. */
const UNTRANSFORMED = Buffer.from('ffee000e41646f626500640000000000', 'hex');
/** Baseline and extended sequential processes with Huffman coding. */
const SEQUENTIAL = new Set([0xc0, 0xc1]);

/**
 * Decodes a frame of JPEG baseline or extended sequential (ISO/IEC 10918-1) of 8 or 12 bits per sample. Colours become RGB. If no
 * marker says which colours the stream contains, Photometric Interpretation decides. Throws `PixelsRefused` when the stream contradicts the
 * format or is broken.
 */
export async function decodeJpeg(format: PixelFormat, encoded: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const header = jpegFrameHeader(encoded);
  if (!SEQUENTIAL.has(header.marker) || (header.precision !== 8 && header.precision !== 12))
    throw new PixelsRefused('pixels that are not JPEG baseline or extended');
  const isRgb = format.photometric === 'RGB' && !header.namesColours;
  if (header.precision === 12) return decodeJpeg12(format, header, encoded, isRgb || header.isRgb);
  requireAgreement(format, header);
  return decodeJpegStream(format, encoded, isRgb);
}

/**
 * Decodes a JPEG stream of 8 bits per sample, also a progressive one. `isUnnamedRgb`: the colours are RGB, and no marker says this. Throws
 * `PixelsRefused` when the stream contradicts the format or is broken.
 */
export function decodeJpegStream(
  format: PixelFormat,
  encoded: Uint8Array,
  isUnnamedRgb: boolean,
): Promise<Uint8Array<ArrayBuffer>> {
  opened ??= wasmProgram(`${PACKAGE}/decodewasmjs`, `${PACKAGE}/decodewasm`);
  return decodeInInstance(opened, isUnnamedRgb ? marked(encoded) : encoded, ({ JPEGDecoder }, decode) => {
    const decoder = decode(new JPEGDecoder());
    const { width, height, componentCount, bitsPerSample } = decoder.getFrameInfo();
    const found = { rows: height, columns: width, components: componentCount, precision: bitsPerSample };
    requireAgreement(format, found);
    // The copy leaves the memory of the instance.
    const samples = new Uint8Array(decoder.getDecodedBuffer());
    return nativeSamples(format, { samples, bitsPerSample, isPlanar: false });
  });
}

/** Adds the Adobe marker segment without a colour transformation. */
function marked(encoded: Uint8Array): Uint8Array {
  return Buffer.concat([encoded.subarray(0, 2), UNTRANSFORMED, encoded.subarray(2)]);
}
