import type { DecodedFrame } from '../frame.decoder.js';
import { samplesPerPixel } from '../pixel.format.js';
import { PixelsRefused } from '../pixels.refused.js';
import { interleaved } from './coded.samples.js';

const HEADER_BYTES = 64;
const LONGEST_RUN = 128;

/**
 * Compresses a frame by RLE Lossless (PS3.5 Annex G): one segment for each byte of each sample, the most significant byte first. Each row
 * begins a new run. Throws `PixelsRefused` for pixels that RLE does not have.
 */
export function encodeRle(frame: DecodedFrame): Uint8Array<ArrayBuffer> {
  const { format, bytes } = interleaved(frame);
  const { rows, columns, bitsAllocated, numbers } = format;
  if (numbers !== 'integer' || bitsAllocated < 8)
    throw new PixelsRefused('pixels of a kind that RLE does not have');
  const width = bitsAllocated / 8;
  const step = width * samplesPerPixel(format.photometric);
  const segments: Uint8Array[] = [];
  const row = new Uint8Array(columns);
  for (let segment = 0; segment < step; segment += 1) {
    const first = Math.floor(segment / width) * width + (width - 1 - (segment % width));
    const packed = new PackedBytes(rows * columns);
    for (let y = 0; y < rows; y += 1) {
      for (let x = 0; x < columns; x += 1) row[x] = bytes[(y * columns + x) * step + first] ?? 0;
      packed.add(row);
    }
    segments.push(packed.segment());
  }
  const out = new Uint8Array(segments.reduce((sum, one) => sum + one.length, HEADER_BYTES));
  const header = new DataView(out.buffer);
  header.setUint32(0, segments.length, true);
  let at = HEADER_BYTES;
  for (const [index, segment] of segments.entries()) {
    header.setUint32(4 + index * 4, at, true);
    out.set(segment, at);
    at += segment.length;
  }
  return out;
}

/** The runs of a segment (PS3.5 §G.3.1). */
class PackedBytes {
  readonly #out: Uint8Array;
  #length = 0;

  /** `bytes`: the number of bytes to pack. A literal run of 128 bytes needs one more byte, and each row can begin another run. */
  constructor(bytes: number) {
    this.#out = new Uint8Array(bytes * 2 + 2);
  }

  /** Adds a row. Equal bytes become a replicate run, if there are at least three, or two at the start of a run. */
  add(row: Uint8Array): void {
    for (let at = 0; at < row.length;) {
      const equal = equalAt(row, at);
      if (equal > 1) {
        this.#out[this.#length] = 257 - equal;
        this.#out[this.#length + 1] = row[at] ?? 0;
        this.#length += 2;
        at += equal;
        continue;
      }
      let end = at + 1;
      while (end < row.length && end - at < LONGEST_RUN && equalAt(row, end) < 3) end += 1;
      this.#out[this.#length] = end - at - 1;
      this.#out.set(row.subarray(at, end), this.#length + 1);
      this.#length += end - at + 1;
      at = end;
    }
  }

  /** The runs, padded to an even length (PS3.5 §G.3.1). */
  segment(): Uint8Array {
    return this.#out.subarray(0, this.#length + (this.#length % 2));
  }
}

/** How many bytes are equal from here, up to the length of a run. */
function equalAt(row: Uint8Array, at: number): number {
  let end = at + 1;
  while (end < row.length && end - at < LONGEST_RUN && row[end] === row[at]) end += 1;
  return end - at;
}
