import type { SelectedValues } from '../dicom/selected.values.js';
import {
  describedTable,
  type LookupTable,
  lookUp,
  readLookupTable,
  shorter,
  withBits,
  littleEndianWords,
} from './lookup.table.js';
import { PixelsRefused } from './pixels.refused.js';

/** The tables of red, green and blue (PS3.3 §C.7.9). */
export type Palette = readonly [red: LookupTable, green: LookupTable, blue: LookupTable];

const DESCRIPTORS = [0x00281101, 0x00281102, 0x00281103] as const;
/** Distance from a descriptor to its data, and to its segmented data. */
const DATA = 0x100;
const SEGMENTED_DATA = 0x120;

/** The elements that {@link readPalette} reads. */
export const PALETTE_TAGS = DESCRIPTORS.flatMap((tag) => [tag, tag + DATA, tag + SEGMENTED_DATA]);

/** Reads the palette of an image. Throws `PixelsRefused` when a table is missing or shorter than its descriptor. */
export function readPalette(values: SelectedValues, isSigned: boolean): Palette {
  const read = (tag: number) =>
    values.has(tag + SEGMENTED_DATA)
      ? segmented(values, tag, isSigned)
      : readLookupTable(values, tag, tag + DATA, isSigned);
  const [red, green, blue] = DESCRIPTORS;
  return [read(red), read(green), read(blue)];
}

/** Whether a stored value of a grey image is an index into its supplemental palette: it is one of the mapped values (PS3.3 §C.7.6.19). */
export function isIndex(palette: Palette | undefined, stored: number): boolean {
  if (palette === undefined) return false;
  const [{ first, entries }] = palette;
  return stored >= first && stored < first + entries.length;
}

/** The colour of a stored value with 8 bits per sample. */
export function colourOf(palette: Palette, stored: number): readonly number[] {
  return palette.map((table) => {
    const entry = lookUp(table, stored);
    return table.bits > 8 ? entry >> (table.bits - 8) : Math.round((entry * 255) / (2 ** table.bits - 1));
  });
}

/** The 256 colours of grey from black to white. The first colour of the palette is for black, and the last one for white. */
export function coloursOfGrey(palette: Palette): Uint8Array {
  const [{ first, entries }] = palette;
  const colours = Array.from({ length: 256 }, (_, grey) =>
    colourOf(palette, first + Math.round((grey / 255) * (entries.length - 1))),
  );
  return Uint8Array.from(colours.flat());
}

/** Expands the segments of a table (PS3.3 §C.7.9.2). Words or bytes follow each other, as in the entries of the table. */
function segmented(values: SelectedValues, descriptor: number, isSigned: boolean): LookupTable {
  const { count, first, bits } = describedTable(values, descriptor, isSigned);
  const bytes = values.bytes(descriptor + SEGMENTED_DATA);
  const codes = bits > 8 ? littleEndianWords(bytes) : Uint16Array.from(bytes);
  const segments = new Segments(codes, bits > 8 ? 2 : 1, count);
  segments.expand();
  return withBits(first, bits, segments.entries);
}

const DISCRETE = 0;
const LINEAR = 1;
const INDIRECT = 2;
/** Largest number of segments. Without this limit, a short table could repeat empty segments for a long time. */
const MOST_SEGMENTS = 131_072;

class Segments {
  readonly entries: Uint16Array;
  #filled = 0;
  #segments = 0;
  readonly #codes: Uint16Array;
  readonly #codeBytes: 1 | 2;

  constructor(codes: Uint16Array, codeBytes: 1 | 2, count: number) {
    this.#codes = codes;
    this.#codeBytes = codeBytes;
    this.entries = new Uint16Array(count);
  }

  /** Expands segments until all entries are filled. */
  expand(): void {
    for (let at = 0; this.#filled < this.entries.length;) at = this.#segment(at, true);
  }

  /** Expands the segment at a position and returns the position of the next segment. */
  #segment(at: number, mayRefer: boolean): number {
    this.#segments += 1;
    if (this.#segments > MOST_SEGMENTS) throw new PixelsRefused('too many segments of a palette');
    const opcode = this.#code(at);
    const length = this.#code(at + 1);
    if (opcode === DISCRETE) {
      for (let index = 0; index < length; index += 1) this.#add(this.#code(at + 2 + index));
      return at + 2 + length;
    }
    if (opcode === LINEAR && this.#filled > 0) {
      const from = this.entries[this.#filled - 1] ?? 0;
      const to = this.#code(at + 2);
      for (let index = 1; index <= length; index += 1)
        this.#add(Math.round(from + ((to - from) * index) / length));
      return at + 3;
    }
    // An indirect segment repeats earlier segments. It must not refer to another indirect segment.
    if (opcode !== INDIRECT || !mayRefer) throw new PixelsRefused('an invalid segment of a palette');
    const bytes = this.#codeBytes === 2 ? [0, 2] : [0, 1, 2, 3];
    const offset = bytes.reduce((sum, shift, index) => sum + this.#code(at + 2 + index) * 256 ** shift, 0);
    let repeated = Math.floor(offset / this.#codeBytes);
    for (let index = 0; index < length; index += 1) repeated = this.#segment(repeated, false);
    return at + 2 + bytes.length;
  }

  #code(at: number): number {
    const code = this.#codes[at];
    if (code === undefined) throw shorter();
    return code;
  }

  #add(entry: number): void {
    if (this.#filled === this.entries.length)
      throw new PixelsRefused('the segments of a palette are longer than its descriptor');
    this.entries[this.#filled] = entry;
    this.#filled += 1;
  }
}
