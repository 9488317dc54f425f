/** Writes marker segments and entropy-coded data of JPEG streams (ISO/IEC 10918-1 Annex B). Each symbol is written with a code of a table. */

/** The codes of a Huffman table: the number of codes of each length, and the symbols in the order of their codes. */
export interface WrittenTable {
  readonly counts: readonly number[];
  readonly symbols: readonly number[];
}

/** A table in which all codes have one length. */
export function evenTable(symbols: readonly number[], length: number): WrittenTable {
  return { counts: Array.from({ length: 16 }, (_, at) => (at === length - 1 ? symbols.length : 0)), symbols };
}

/** A table with one code of each length from 1 to 15, and two codes of 16 bits. */
export function unevenTable(symbols: readonly number[]): WrittenTable {
  return { counts: Array.from({ length: 16 }, (_, at) => (at === 15 ? symbols.length - 15 : 1)), symbols };
}

/** A marker segment. */
export function segment(marker: number, ...content: number[]): Buffer {
  const length = content.length + 2;
  return Buffer.from([0xff, marker, length >> 8, length & 255, ...content]);
}

/** The two bytes of a number. */
export const word = (value: number) => [value >> 8, value & 255];

/** A segment that defines a Huffman table. `destination`: class and destination, such as 0x10. */
export function huffmanSegment(destination: number, { counts, symbols }: WrittenTable): Buffer {
  return segment(0xc4, destination, ...counts, ...symbols);
}

/** Collects entropy-coded bits. */
export class BitWriter {
  readonly #bytes: number[] = [];
  #bits = 0;
  #count = 0;

  /** Writes a symbol. */
  symbol({ counts, symbols }: WrittenTable, symbol: number): void {
    const place = symbols.indexOf(symbol);
    let [code, at] = [0, 0];
    for (const [index, count] of counts.entries()) {
      if (place < at + count) return this.#add(code + place - at, index + 1);
      code = (code + count) * 2;
      at += count;
    }
    throw new Error('the table has no such symbol');
  }

  /** Writes the bits of a difference that follow the symbol of its size (ISO/IEC 10918-1 §F.1.2.1). */
  difference(value: number): void {
    const size = differenceSize(value);
    if (size > 0 && size < 16) this.#add(value > 0 ? value : value + 2 ** size - 1, size);
  }

  /** Fills the last byte and starts a new part with a restart marker. */
  restart(number: number): void {
    this.#fill();
    this.#bytes.push(0xff, 0xd0 + (number % 8));
  }

  /** The bytes with stuffed zeros. */
  end(): Buffer {
    this.#fill();
    return Buffer.from(this.#bytes);
  }

  #add(value: number, length: number): void {
    this.#bits = this.#bits * 2 ** length + value;
    this.#count += length;
    while (this.#count >= 8) {
      this.#count -= 8;
      const byte = Math.floor(this.#bits / 2 ** this.#count);
      this.#bits %= 2 ** this.#count;
      this.#bytes.push(byte, ...(byte === 255 ? [0] : []));
    }
  }

  #fill(): void {
    if (this.#count > 0) this.#add(2 ** (8 - this.#count) - 1, 8 - this.#count);
  }
}

/** The size of a difference: its number of bits, 0 to 16. */
export function differenceSize(value: number): number {
  return value === 0 ? 0 : Math.floor(Math.log2(Math.abs(value))) + 1;
}
