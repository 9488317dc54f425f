import type { DecodedFrame } from '../frame.decoder.js';
import { type CodedSamples, codedSamples } from './coded.samples.js';

/**
 * The number of bits of the code of each category of differences, from 0 to 16 (ISO/IEC 10918-1 §H.1.2.2). Small differences are frequent.
 * The code of ones only stays unused.
 */
const CODE_BITS = [3, 3, 3, 3, 3, 3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];
/** The codes of a canonical table (ISO/IEC 10918-1 §C.2), as a number for each category. */
const CODES: readonly number[] = CODE_BITS.reduce<number[]>((codes, bits, category) => {
  const last = codes[category - 1];
  codes.push(last === undefined ? 0 : (last + 1) << (bits - (CODE_BITS[category - 1] ?? bits)));
  return codes;
}, []);
const FIRST_CATEGORY_OF_16 = 16;

/**
 * Compresses a frame by JPEG lossless, process 14, selection value 1 (ISO/IEC 10918-1 Annex H): each sample is predicted from its left
 * neighbour. Throws `PixelsRefused` for pixels that cannot be compressed.
 */
export function encodeJpegLossless(frame: DecodedFrame): Uint8Array<ArrayBuffer> {
  const coded = codedSamples(frame, 'kept');
  const out = new BitWriter(coded.samples.length * (coded.bits > 8 ? 2 : 1));
  writeHeaders(coded, out);
  const { width, components, samples, bits } = coded;
  const line = width * components;
  for (let at = 0; at < samples.length; at += 1) {
    const column = at % line;
    // The first sample of a row is predicted from the row above, and the first sample of the image is half of the range.
    const from = column < components ? at - line : at - components;
    const predicted = from < 0 ? 2 ** (bits - 1) : (samples[from] ?? 0);
    writeDifference((samples[at] ?? 0) - predicted, out);
  }
  return out.end();
}

/** Writes a difference modulo 65536: the code of its category, and its low bits (ISO/IEC 10918-1 §H.1.2.2). */
function writeDifference(exact: number, out: BitWriter): void {
  const difference = (exact << 16) >> 16;
  const category = 32 - Math.clz32(Math.abs(difference));
  out.bits(CODES[category] ?? 0, CODE_BITS[category] ?? 0);
  // The only difference of category 16 is 32768.
  if (category === 0 || category === FIRST_CATEGORY_OF_16) return;
  const low = difference < 0 ? difference - 1 : difference;
  out.bits(low & (2 ** category - 1), category);
}

function word(value: number): [number, number] {
  return [value >> 8, value & 255];
}

/** Writes the markers before the scan: SOI, SOF3, DHT and SOS. */
function writeHeaders({ width, height, components, bits }: CodedSamples, out: BitWriter): void {
  const ids = Array.from({ length: components }, (_, index) => index + 1);
  const counts = Array.from(
    { length: 16 },
    (_, index) => CODE_BITS.filter((one) => one === index + 1).length,
  );
  const categories = CODE_BITS.map((_, category) => category);
  out.bytes([0xff, 0xd8]);
  out.bytes([0xff, 0xc3, ...word(8 + 3 * components), bits, ...word(height), ...word(width), components]);
  for (const id of ids) out.bytes([id, 0x11, 0]);
  out.bytes([0xff, 0xc4, ...word(19 + categories.length), 0, ...counts, ...categories]);
  out.bytes([0xff, 0xda, ...word(6 + 2 * components), components]);
  for (const id of ids) out.bytes([id, 0]);
  out.bytes([1, 0, 0]);
}

/** Writes bits into bytes, the first bit of a byte first. A byte FF in the scan is followed by 00 (ISO/IEC 10918-1 §B.1.1.5). */
class BitWriter {
  #out: Uint8Array<ArrayBuffer>;
  #length = 0;
  #pending = 0;
  #count = 0;

  constructor(estimate: number) {
    this.#out = new Uint8Array(estimate + 1024);
  }

  bytes(values: readonly number[]): void {
    for (const value of values) this.#byte(value);
  }

  /** Writes the low `count` bits of a value, at most 16. */
  bits(value: number, count: number): void {
    this.#pending = (this.#pending << count) | value;
    this.#count += count;
    while (this.#count >= 8) {
      this.#count -= 8;
      const byte = (this.#pending >> this.#count) & 255;
      this.#byte(byte);
      if (byte === 255) this.#byte(0);
    }
    this.#pending &= 255;
  }

  /** Fills the last byte with ones, writes the end of the image, and returns all bytes. */
  end(): Uint8Array<ArrayBuffer> {
    if (this.#count > 0) this.bits(2 ** (8 - this.#count) - 1, 8 - this.#count);
    this.bytes([0xff, 0xd9]);
    return this.#out.slice(0, this.#length);
  }

  #byte(value: number): void {
    if (this.#length === this.#out.length) {
      const larger = new Uint8Array(this.#out.length * 2);
      larger.set(this.#out);
      this.#out = larger;
    }
    this.#out[this.#length] = value;
    this.#length += 1;
  }
}
