import { type PixelFormat, samplesOf, samplesPerPixel } from '../pixel.format.js';
import { PixelsRefused } from '../pixels.refused.js';

/** Samples as a codec returns them: 1 byte for up to 8 bits, otherwise 2 bytes in little endian. */
export interface CodecOutput {
  readonly samples: Uint8Array<ArrayBuffer>;
  readonly bitsPerSample: number;
  readonly isPlanar: boolean;
}

/** Throws `PixelsRefused` unless the stream has the size, the components and a possible precision of the data set. */
export function requireAgreement(
  { rows, columns, bitsAllocated, bitsStored, photometric, numbers }: PixelFormat,
  stream: {
    readonly rows: number;
    readonly columns: number;
    readonly components: number;
    readonly precision: number;
  },
): void {
  const components = samplesPerPixel(photometric);
  if (stream.rows !== rows || stream.columns !== columns || stream.components !== components)
    throw new PixelsRefused('the compressed pixels have another size than the header');
  if (stream.precision < bitsStored || stream.precision > bitsAllocated || bitsAllocated > 16)
    throw new PixelsRefused('the compressed pixels have another precision than the header');
  if (numbers !== 'integer' || bitsAllocated < 8)
    throw new PixelsRefused('compressed pixels of an unsupported kind');
}

/**
 * Converts samples to words of Bits Allocated in little endian, pixel by pixel. The sign of signed samples is extended from Bits Stored,
 * because compressed streams often have no sign. Throws `PixelsRefused` when the codec returned another number of bytes.
 */
export function nativeSamples(format: PixelFormat, output: CodecOutput): Uint8Array<ArrayBuffer> {
  const [from, to] = [output.bitsPerSample > 8 ? 2 : 1, format.bitsAllocated / 8];
  const count = samplesOf(format);
  if (output.samples.length !== count * from || from > to)
    throw new PixelsRefused('the compressed pixels are incomplete');
  const components = samplesPerPixel(format.photometric);
  const pixels = count / components;
  const isMoved = output.isPlanar && components > 1;
  if (from === to && !isMoved) return signExtended(format, output.samples);
  const out = new Uint8Array(count * to);
  for (let at = 0; at < count; at += 1) {
    const source = isMoved ? (at % components) * pixels + Math.floor(at / components) : at;
    out[at * to] = output.samples[source * from] ?? 0;
    if (from === 2) out[at * to + 1] = output.samples[source * 2 + 1] ?? 0;
  }
  return signExtended(format, out);
}

function signExtended(format: PixelFormat, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const { isSigned, bitsStored, bitsAllocated, highBit } = format;
  if (!isSigned || bitsStored === bitsAllocated || highBit !== bitsStored - 1) return bytes;
  const words = bitsAllocated === 16 ? new Int16Array(bytes.buffer) : new Int8Array(bytes.buffer);
  const shift = 32 - bitsStored;
  for (let at = 0; at < words.length; at += 1) words[at] = ((words[at] ?? 0) << shift) >> shift;
  return bytes;
}
