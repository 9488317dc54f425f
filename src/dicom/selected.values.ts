import { DicomUnreadable } from './dicom.unreadable.js';
import { trimSpacesAndNul } from './padding.js';
import { SWAPPED_WIDTHS } from './data.set.recoder.js';

/** A value as it is stored. `big`: whether its numbers are in big endian. */
export interface StoredValue {
  readonly vr: string;
  readonly bytes: Buffer;
  readonly big: boolean;
}

/** Largest number of numbers that are read from one text value. */
const MOST_NUMBERS = 262_144;

/** The selected elements of a data set: values, and items of sequences. */
export class SelectedValues {
  readonly #values = new Map<number, StoredValue>();
  readonly #items = new Map<number, readonly SelectedValues[]>();

  /** Adds a value. Throws `DicomUnreadable` when the element occurs twice, because two readers could use different values. */
  addValue(tag: number, value: StoredValue): void {
    this.#refuseSecond(tag);
    this.#values.set(tag, value);
  }

  /** Adds the items of a sequence. Throws `DicomUnreadable` when the element occurs twice. */
  addItems(tag: number, items: readonly SelectedValues[]): void {
    this.#refuseSecond(tag);
    this.#items.set(tag, items);
  }

  /** Whether the element is present and not empty. */
  has(tag: number): boolean {
    return (this.#values.get(tag)?.bytes.length ?? 0) > 0;
  }

  vrOf(tag: number): string {
    return this.#values.get(tag)?.vr ?? '';
  }

  /** The first text value without padding. Empty when the element is absent. */
  text(tag: number): string {
    return this.texts(tag, 1)[0] ?? '';
  }

  /** The first text values without padding, at most `most`. */
  texts(tag: number, most: number): readonly string[] {
    const text = this.#values.get(tag)?.bytes.toString('latin1') ?? '';
    return text.split('\\', most).map(trimSpacesAndNul);
  }

  /** The first number that is written as text (DS, IS). `undefined` when it is absent or not a finite number. */
  decimal(tag: number): number | undefined {
    const text = this.text(tag);
    const value = text === '' ? Number.NaN : Number(text);
    return Number.isFinite(value) ? value : undefined;
  }

  /** The numbers that are written as text (DS, IS), at most {@link MOST_NUMBERS}. A value that is not a finite number is NaN. */
  decimals(tag: number): number[] {
    const text = this.#values.get(tag)?.bytes.toString('latin1').replaceAll('\0', ' ') ?? '';
    return text.split('\\', MOST_NUMBERS).map((one) => {
      const value = one.trim() === '' ? Number.NaN : Number(one);
      return Number.isFinite(value) ? value : Number.NaN;
    });
  }

  /** The first 16-bit number (US, SS). `undefined` when the element is absent. */
  short(tag: number, isSigned = false): number | undefined {
    return this.shorts(tag, isSigned)[0];
  }

  /** All 16-bit numbers (US, SS). `isSigned` decides about the sign, because the VR in implicit VR depends on other elements. */
  shorts(tag: number, isSigned = false): number[] {
    const bytes = this.bytes(tag);
    return Array.from({ length: Math.floor(bytes.length / 2) }, (_, at) =>
      isSigned ? bytes.readInt16LE(at * 2) : bytes.readUInt16LE(at * 2),
    );
  }

  /** The first floating point number of 32 or 64 bits (FL, FD), by the length of the value. */
  float(tag: number): number | undefined {
    const bytes = this.bytes(tag);
    if (bytes.length === 8) return bytes.readDoubleLE(0);
    return bytes.length === 4 ? bytes.readFloatLE(0) : undefined;
  }

  /** The first floating point numbers of 32 bits (FL), at most `most`. */
  floats(tag: number, most: number): number[] {
    const bytes = this.bytes(tag);
    return Array.from({ length: Math.min(most, Math.floor(bytes.length / 4)) }, (_, at) =>
      bytes.readFloatLE(at * 4),
    );
  }

  /** The first two signed numbers of 32 bits (SL). */
  longs(tag: number): number[] {
    const bytes = this.bytes(tag);
    return Array.from({ length: Math.min(2, Math.floor(bytes.length / 4)) }, (_, at) =>
      bytes.readInt32LE(at * 4),
    );
  }

  /** The bytes of a value, with its numbers in little endian. */
  bytes(tag: number): Buffer {
    const value = this.#values.get(tag);
    if (value === undefined) return Buffer.alloc(0);
    const width = value.big ? (SWAPPED_WIDTHS.get(value.vr) ?? 1) : 1;
    const whole = value.bytes.subarray(0, value.bytes.length - (value.bytes.length % width));
    if (width === 2) return Buffer.from(whole).swap16();
    if (width === 4) return Buffer.from(whole).swap32();
    return width === 8 ? Buffer.from(whole).swap64() : value.bytes;
  }

  /** The items of a sequence. The list is empty when the sequence is absent. */
  items(tag: number): readonly SelectedValues[] {
    return this.#items.get(tag) ?? [];
  }

  #refuseSecond(tag: number): void {
    if (this.#values.has(tag) || this.#items.has(tag))
      throw new DicomUnreadable('structure', 'an element is duplicate');
  }
}
