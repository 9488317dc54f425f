import { nativeSamples, requireAgreement } from './decoded.samples.js';
import { jpegXlHeader } from './jpeg.xl.header.js';
import type { PixelFormat } from '../pixel.format.js';
import { decodeInInstance, type WasmDecoder, wasmModuleProgram, type WasmProgram } from './wasm.codec.js';

type LibJxl = { readonly JpegXLDecoder: new () => WasmDecoder };

const PACKAGE = '@cornerstonejs/codec-libjxl';
let opened: WasmProgram<LibJxl> | undefined;

/**
 * Decodes a JPEG XL frame (ISO/IEC 18181-1), lossless or lossy, also of a recompressed JPEG. Colours become RGB. Throws `PixelsRefused`
 * when the stream contradicts the format or is broken.
 */
export async function decodeJpegXl(
  format: PixelFormat,
  encoded: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  requireAgreement(format, jpegXlHeader(encoded));
  opened ??= wasmModuleProgram(`${PACKAGE}/decodewasmjs`, `${PACKAGE}/decodewasm`);
  return decodeInInstance(opened, encoded, ({ JpegXLDecoder }, decode) => {
    const decoder = decode(new JpegXLDecoder());
    const { width, height, componentCount, bitsPerSample } = decoder.getFrameInfo();
    const found = { rows: height, columns: width, components: componentCount, precision: bitsPerSample };
    requireAgreement(format, found);
    // The copy leaves the memory of the instance.
    const samples = new Uint8Array(decoder.getDecodedBuffer());
    return nativeSamples(format, { samples, bitsPerSample, isPlanar: false });
  });
}
