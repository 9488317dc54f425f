import { PixelsRefused } from '../pixels.refused.js';

/** A Huffman table (ISO/IEC 10918-1 Annex C). Codes are at most 16 bits long. */
export interface HuffmanTable {
  /** For each value of the next {@link FAST_BITS} bits: the length of the code times 256, plus its symbol. 0 for longer codes. */
  readonly fast: Uint16Array;
  /** For each length: the largest code, or -1 without codes of this length. */
  readonly largest: Int32Array;
  /** For each length: what to add to a code to get the position of its symbol. */
  readonly offsets: Int32Array;
  readonly symbols: Uint8Array;
}

const FAST_BITS = 10;
const LONGEST = 16;
const MOST_SYMBOLS = 256;

/** Builds a table. `counts`: the number of codes of each length from 1 to 16. Throws `PixelsRefused` when there are too many codes. */
export function huffmanTable(counts: Uint8Array, symbols: Uint8Array): HuffmanTable {
  const fast = new Uint16Array(2 ** FAST_BITS);
  const largest = new Int32Array(LONGEST + 1).fill(-1);
  const offsets = new Int32Array(LONGEST + 1);
  let [code, at] = [0, 0];
  for (let length = 1; length <= LONGEST; length += 1) {
    const count = counts[length - 1] ?? 0;
    if (code + count > 2 ** length || at + count > MOST_SYMBOLS) throw brokenJpeg();
    offsets[length] = at - code;
    const fastCodes = length <= FAST_BITS ? count : 0;
    for (let index = 0; index < fastCodes; index += 1) {
      const from = (code + index) << (FAST_BITS - length);
      const entry = length * 256 + (symbols[at + index] ?? 0);
      fast.fill(entry, from, from + 2 ** (FAST_BITS - length));
    }
    code += count;
    at += count;
    if (count > 0) largest[length] = code - 1;
    code *= 2;
  }
  return { fast, largest, offsets, symbols };
}

/**
 * Reads entropy-coded bits (ISO/IEC 10918-1 §F.2.2). After the last byte, it returns zeros. Callers check {@link isOverrun} from time to
 * time, so that a truncated stream is refused.
 */
export class JpegBits {
  readonly #bytes: Uint8Array;
  #at = 0;
  #end = 0;
  /** The lowest `#count` bits have been fetched and not yet read. */
  #word = 0;
  #count = 0;

  /** `bytes`: entropy-coded data without stuffed bytes and markers. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Continues at the byte `start`. The bits end before the byte `end`. */
  open(start: number, end: number): void {
    this.#at = start;
    this.#end = end;
    this.#count = 0;
  }

  /** Whether more bits were read than there are. */
  get isOverrun(): boolean {
    return this.#at * 8 - this.#count > this.#end * 8;
  }

  /** Reads a symbol. Throws `PixelsRefused` when the table has no such code. */
  symbol(table: HuffmanTable): number {
    if (this.#count < LONGEST) this.#fetch();
    const next = (this.#word >>> (this.#count - LONGEST)) & 0xffff;
    const entry = table.fast[next >> (LONGEST - FAST_BITS)] ?? 0;
    if (entry !== 0) {
      this.#count -= entry >> 8;
      return entry & 0xff;
    }
    return this.#longSymbol(table, next);
  }

  /** Reads a difference of `size` bits, at most 16 (ISO/IEC 10918-1 figure F.12). */
  difference(size: number): number {
    if (size === 0) return 0;
    if (this.#count < size) this.#fetch();
    this.#count -= size;
    const value = (this.#word >>> this.#count) & ((1 << size) - 1);
    return value < 1 << (size - 1) ? value - (1 << size) + 1 : value;
  }

  #longSymbol({ largest, offsets, symbols }: HuffmanTable, next: number): number {
    for (let length = FAST_BITS + 1; length <= LONGEST; length += 1) {
      const code = next >> (LONGEST - length);
      if (code > (largest[length] ?? -1)) continue;
      this.#count -= length;
      return symbols[(offsets[length] ?? 0) + code] ?? 0;
    }
    throw brokenJpeg();
  }

  #fetch(): void {
    while (this.#count <= LONGEST) {
      const byte = this.#at < this.#end ? (this.#bytes[this.#at] ?? 0) : 0;
      this.#word = (this.#word << 8) | byte;
      this.#at += 1;
      this.#count += 8;
    }
  }
}

/** The refusal of a JPEG stream whose segments or entropy-coded data are broken. */
export function brokenJpeg(): PixelsRefused {
  return new PixelsRefused('the compressed pixels are broken');
}
