import { type CodecOutput, nativeSamples, requireAgreement } from './decoded.samples.js';
import { codestreamOf, jpeg2000Header, type Jpeg2000Header, unsignedCodestream } from './jpeg2000.header.js';
import type { PixelFormat } from './pixel.format.js';
import { PixelsRefused } from './pixels.refused.js';
import { decodeInInstance, type WasmDecoder, type WasmProgram, wasmProgram } from './wasm.codec.js';

type OpenJpeg = { readonly J2KDecoder: new () => WasmDecoder };

const PACKAGE = '@cornerstonejs/codec-openjpeg';
let opened: WasmProgram<OpenJpeg> | undefined;

/**
 * Decodes a JPEG 2000 frame (ISO/IEC 15444-1), lossless or lossy. The component transformations RCT and ICT give RGB. Throws `PixelsRefused`
 * when the stream contradicts the format or is broken.
 */
export async function decodeJpeg2000(
  format: PixelFormat,
  encoded: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  if (format.photometric === 'YBR_FULL_422') throw new PixelsRefused('pixels of an unsupported kind');
  const stream = codestreamOf(encoded);
  const agree = ({ precision, ...size }: Omit<Jpeg2000Header, 'end' | 'isSigned'>) =>
    // A stream may have fewer bits than Bits Stored. Its values are then smaller.
    requireAgreement(format, { ...size, precision: Math.max(precision, format.bitsStored) });
  const header = jpeg2000Header(stream);
  agree(header);
  opened ??= wasmProgram(`${PACKAGE}/decodewasmjs`, `${PACKAGE}/decodewasm`);
  // The codec needs an end marker, and decodes signed samples of up to 8 bits wrongly.
  return decodeInInstance(opened, unsignedCodestream(stream, header), ({ J2KDecoder }, decode) => {
    const decoder = decode(new J2KDecoder());
    const { width, height, componentCount, bitsPerSample } = decoder.getFrameInfo();
    agree({ rows: height, columns: width, components: componentCount, precision: bitsPerSample });
    if (bitsPerSample !== header.precision) throw new PixelsRefused('the compressed pixels are broken');
    // The copy leaves the memory of the instance.
    const samples = new Uint8Array(decoder.getDecodedBuffer());
    const output = { samples, bitsPerSample, isPlanar: false };
    return nativeSamples(format, header.isSigned ? withSign(format, output) : output);
  });
}

/** Subtracts half of the range, which the unsigned stream has added. */
function withSign({ bitsAllocated }: PixelFormat, output: CodecOutput): CodecOutput {
  const { samples, bitsPerSample } = output;
  const half = 2 ** (bitsPerSample - 1);
  const values = bitsPerSample > 8 ? new Uint16Array(samples.buffer) : samples;
  const signed = bitsAllocated > 8 ? Int16Array.from(values) : Int8Array.from(values);
  for (let at = 0; at < signed.length; at += 1) signed[at] = (values[at] ?? 0) - half;
  return { samples: new Uint8Array(signed.buffer), bitsPerSample: bitsAllocated, isPlanar: output.isPlanar };
}
