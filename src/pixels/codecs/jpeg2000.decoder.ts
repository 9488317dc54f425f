import { type CodecOutput, nativeSamples, requireAgreement } from './decoded.samples.js';
import { codestreamOf, jpeg2000Header, type Jpeg2000Header, unsignedCodestream } from './jpeg2000.header.js';
import { halvedFormat, type PixelFormat } from '../pixel.format.js';
import { PixelsRefused } from '../pixels.refused.js';
import { decodeInInstance, type WasmDecoder, type WasmProgram, wasmProgram } from './wasm.codec.js';

type OpenJpeg = {
  readonly J2KDecoder: new () => WasmDecoder & { decodeSubResolution(level: number, layer: number): void };
};
type OpenJph = {
  readonly HTJ2KDecoder: new () => WasmDecoder & { decodeSubResolution(level: number): void };
};

const OPEN_JPEG = '@cornerstonejs/codec-openjpeg';
const OPEN_JPH = '@cornerstonejs/codec-openjph';
let openJpeg: WasmProgram<OpenJpeg> | undefined;
let openJph: WasmProgram<OpenJph> | undefined;

/** Decoded samples. `level`: how often their size was halved. */
export interface Jpeg2000Samples {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly level: number;
}

/**
 * Decodes a JPEG 2000 frame (ISO/IEC 15444-1), lossless or lossy. The component transformations RCT and ICT give RGB. `halvings`: how often the
 * size may be halved; a stream with fewer decompositions is halved less often. Throws `PixelsRefused` when the stream contradicts the format or
 * is broken.
 */
export async function decodeJpeg2000(
  format: PixelFormat,
  encoded: Uint8Array,
  halvings = 0,
): Promise<Jpeg2000Samples> {
  const { header, stream } = checkedCodestream(format, encoded);
  const level = Math.min(halvings, header.levels);
  openJpeg ??= wasmProgram(`${OPEN_JPEG}/decodewasmjs`, `${OPEN_JPEG}/decodewasm`);
  const bytes = await decodeInInstance(openJpeg, stream, ({ J2KDecoder }, decode) => {
    const reduced = (decoder: InstanceType<OpenJpeg['J2KDecoder']>) => decoder.decodeSubResolution(level, 0);
    const decoder = new J2KDecoder();
    return samplesOf(format, header, level === 0 ? decode(decoder) : decode(decoder, reduced), level);
  });
  return { bytes, level };
}

/** Decodes a frame of High-Throughput JPEG 2000 (ISO/IEC 15444-15), like {@link decodeJpeg2000}. */
export async function decodeHtj2k(
  format: PixelFormat,
  encoded: Uint8Array,
  halvings = 0,
): Promise<Jpeg2000Samples> {
  const { header, stream } = checkedCodestream(format, encoded);
  // The codec decodes a truncated stream without an error. Without lengths of its tile-parts, only the end marker shows that it is whole.
  if (!header.isWhole) throw new PixelsRefused('the compressed pixels are incomplete');
  const level = Math.min(halvings, header.levels);
  openJph ??= wasmProgram(`${OPEN_JPH}/wasmjs`, `${OPEN_JPH}/wasm`);
  const bytes = await decodeInInstance(openJph, stream, ({ HTJ2KDecoder }, decode) => {
    const reduced = (decoder: InstanceType<OpenJph['HTJ2KDecoder']>) => decoder.decodeSubResolution(level);
    const decoder = new HTJ2KDecoder();
    return samplesOf(format, header, level === 0 ? decode(decoder) : decode(decoder, reduced), level);
  });
  return { bytes, level };
}

/** Checks a stream. The returned stream has an end marker, and no signs, because OpenJPEG decodes signed samples of up to 8 bits wrongly. */
function checkedCodestream(
  format: PixelFormat,
  encoded: Uint8Array,
): { readonly header: Jpeg2000Header; readonly stream: Uint8Array } {
  if (format.photometric === 'YBR_FULL_422') throw new PixelsRefused('pixels of an unsupported kind');
  const stored = codestreamOf(encoded);
  const header = jpeg2000Header(stored);
  requireSize(format, header);
  return { header, stream: unsignedCodestream(stored, header) };
}

function requireSize(
  format: PixelFormat,
  { precision, ...size }: Pick<Jpeg2000Header, 'rows' | 'columns' | 'components' | 'precision'>,
): void {
  // A stream may have fewer bits than Bits Stored. Its values are then smaller.
  requireAgreement(format, { ...size, precision: Math.max(precision, format.bitsStored) });
}

function samplesOf(
  format: PixelFormat,
  header: Jpeg2000Header,
  decoder: WasmDecoder,
  level: number,
): Uint8Array<ArrayBuffer> {
  const { width, height, componentCount, bitsPerSample } = decoder.getFrameInfo();
  requireSize(format, { rows: height, columns: width, components: componentCount, precision: bitsPerSample });
  if (bitsPerSample !== header.precision) throw new PixelsRefused('the compressed pixels are broken');
  // The copy leaves the memory of the instance.
  const samples = new Uint8Array(decoder.getDecodedBuffer());
  const output = { samples, bitsPerSample, isPlanar: false };
  return nativeSamples(halvedFormat(format, level), header.isSigned ? withSign(format, output) : output);
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
