import { type PixelFormat, samplesOf } from '../pixel.format.js';
import { PixelsRefused } from '../pixels.refused.js';

const HEADER_BYTES = 64;
const NO_OPERATION = 128;
const TOO_LONG = 'an RLE segment is longer than its plane';

/**
 * Decodes a frame of RLE Lossless (PS3.5 Annex G) to samples in little endian, pixel by pixel. Each segment contains one byte of one sample
 * of all pixels, and the most significant byte comes first. Throws `PixelsRefused` when the segments do not
 * fill the frame exactly.
 */
export function decodeRle(format: PixelFormat, encoded: Uint8Array): Uint8Array<ArrayBuffer> {
  const { rows, columns, bitsAllocated, photometric, numbers } = format;
  const [pixels, width] = [rows * columns, bitsAllocated / 8];
  const samples = samplesOf(format) / pixels;
  const segments = samples * width;
  if (photometric === 'YBR_FULL_422' || numbers !== 'integer' || bitsAllocated < 8)
    throw new PixelsRefused('RLE pixels of an unsupported kind');
  if (encoded.length <= HEADER_BYTES) throw new PixelsRefused('an RLE frame without segments');
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.length);
  if (view.getUint32(0, true) !== segments)
    throw new PixelsRefused('the number of RLE segments contradicts the header');
  const out = new Uint8Array(pixels * segments);
  for (let segment = 0; segment < segments; segment += 1) {
    const start = view.getUint32(4 + segment * 4, true);
    const end = segment + 1 < segments ? view.getUint32(8 + segment * 4, true) : encoded.length;
    if (start < HEADER_BYTES || start >= end || end > encoded.length)
      throw new PixelsRefused('the offsets of the RLE segments are not in order');
    const sample = Math.floor(segment / width);
    const at = sample * width + (width - 1 - (segment % width));
    unpack(encoded.subarray(start, end), out, at, segments);
  }
  return out;
}

/** Unpacks a segment (PS3.5 §G.3.2) to every `step`th byte of `out`. */
function unpack(packed: Uint8Array, out: Uint8Array, start: number, step: number): void {
  let to = start;
  let from = 0;
  while (to < out.length) {
    const control = packed[from];
    from += 1;
    if (control === undefined) throw new PixelsRefused('an RLE segment is shorter than its plane');
    if (control === NO_OPERATION) continue;
    const isLiteral = control < NO_OPERATION;
    const count = isLiteral ? control + 1 : 257 - control;
    if (from + (isLiteral ? count : 1) > packed.length)
      throw new PixelsRefused('an RLE segment ends inside a run');
    if (to + (count - 1) * step >= out.length) throw new PixelsRefused(TOO_LONG);
    for (let index = 0; index < count; index += 1, to += step)
      out[to] = packed[isLiteral ? from + index : from] ?? 0;
    from += isLiteral ? count : 1;
  }
  if (!packed.subarray(from).every(isPadding)) throw new PixelsRefused(TOO_LONG);
}

/** Whether a byte after the last run has no effect. Writers pad a segment to an even length. */
function isPadding(byte: number): boolean {
  return byte === 0 || byte === NO_OPERATION;
}
