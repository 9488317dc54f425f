import { nativeSamples, requireAgreement } from './decoded.samples.js';
import { jpegFrameHeader } from './jpeg.markers.js';
import type { PixelFormat } from '../pixel.format.js';
import { PixelsRefused } from '../pixels.refused.js';
import { decodeInInstance, type WasmDecoder, type WasmProgram, wasmProgram } from './wasm.codec.js';

interface JpegLsDecoder extends WasmDecoder {
  /** 0: planes, 1: lines, 2: samples. */
  getInterleaveMode(): number;
}
type CharLs = { readonly JpegLSDecoder: new () => JpegLsDecoder };

const PACKAGE = '@cornerstonejs/codec-charls';
let opened: WasmProgram<CharLs> | undefined;
const JPEG_LS = 0xf7;
const END_OF_IMAGE = [0xff, 0xd9] as const;
const PLANES = 0;

/**
 * Decodes a JPEG-LS frame (ISO/IEC 14495-1), lossless or near-lossless. Throws `PixelsRefused` when the stream contradicts the format or is
 * broken.
 */
export async function decodeJpegLs(
  format: PixelFormat,
  encoded: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  const header = jpegFrameHeader(encoded);
  if (header.marker !== JPEG_LS || format.photometric === 'YBR_FULL_422')
    throw new PixelsRefused('pixels that are not JPEG-LS');
  requireAgreement(format, header);
  // Without an end marker, the codec can need very long for a truncated stream.
  const ended = new Uint8Array(encoded.length + END_OF_IMAGE.length);
  ended.set(encoded);
  ended.set(END_OF_IMAGE, encoded.length);
  opened ??= wasmProgram(`${PACKAGE}/decodewasmjs`, `${PACKAGE}/decodewasm`);
  return decodeInInstance(opened, ended, ({ JpegLSDecoder }, decode) => {
    const decoder = decode(new JpegLSDecoder());
    const { width, height, componentCount, bitsPerSample } = decoder.getFrameInfo();
    const found = { rows: height, columns: width, components: componentCount, precision: bitsPerSample };
    requireAgreement(format, found);
    // The copy leaves the memory of the instance.
    const samples = new Uint8Array(decoder.getDecodedBuffer());
    return nativeSamples(format, {
      samples,
      bitsPerSample,
      isPlanar: decoder.getInterleaveMode() === PLANES,
    });
  });
}
