import {
  type DataSetBytes,
  type ElementHead,
  IMPLICIT_LITTLE,
  ITEM,
  ITEM_END,
  type OpenedFile,
  SEQUENCE_END,
  UNDEFINED_LENGTH,
} from './data.set.bytes.js';
import { type RepresentationOf, SWAPPED_WIDTHS, turned } from './data.set.recoder.js';
import type { Encoding } from './element.head.js';
import { DicomUnreadable } from './dicom.unreadable.js';
import { BULK_VRS } from './json/stored.values.js';

/** A value in a file that is read: its pieces as little endian, and their length in bytes where that is known before they are read. */
export interface FoundValue {
  readonly length: number | undefined;
  readonly pieces: AsyncGenerator<Buffer>;
}

/**
 * Finds the value at a path of tags and item numbers from 1 in turn, as metadata refers to it (PS3.18 F.2.6); everything else is skipped. `undefined` where
 * there is none: no such element, an empty one, or a sequence. Throws `DicomUnreadable`.
 */
export function findValue(
  { dataSet, encoding }: OpenedFile,
  path: readonly number[],
  representationOf: RepresentationOf,
): Promise<FoundValue | undefined> {
  return new ValueFinder(dataSet, representationOf).find(path, Infinity, encoding, true);
}

class ValueFinder {
  readonly #bytes: DataSetBytes;
  readonly #representationOf: RepresentationOf;

  constructor(bytes: DataSetBytes, representationOf: RepresentationOf) {
    this.#bytes = bytes;
    this.#representationOf = representationOf;
  }

  /** In the data set that is read up to `end`. */
  async find(
    [tag, number, ...rest]: readonly number[],
    end: number,
    encoding: Encoding,
    isTop: boolean,
  ): Promise<FoundValue | undefined> {
    while (this.#bytes.at < end) {
      const head = await this.#head(encoding, isTop);
      if (head === undefined || head.tag === ITEM_END) return undefined;
      if (head.tag !== tag) {
        await this.#skip(head, encoding);
        continue;
      }
      if (number === undefined) return this.#value(head, encoding, isTop);
      if (!isSequence(head)) return undefined;
      const within = itemsEncoding(head, encoding);
      const itemEnd = await this.#enter(number, this.#endOf(head.length), within);
      return itemEnd === undefined ? undefined : this.find(rest, itemEnd, within, false);
    }
    return undefined;
  }

  #value(head: ElementHead, encoding: Encoding, isTop: boolean): FoundValue | undefined {
    const { vr, length } = head;
    if (isSequence(head) || length === 0) return undefined;
    // Compressed pixels of the top level are told frame by frame.
    if (length === UNDEFINED_LENGTH)
      return isTop ? undefined : { length: undefined, pieces: this.#fragments(encoding) };
    const pieces = this.#bytes.pass(length);
    return { length, pieces: encoding.big ? turned(pieces, SWAPPED_WIDTHS.get(vr) ?? 1) : pieces };
  }

  /** Of compressed pixels, without the offset table (PS3.5 §A.4). */
  async *#fragments(encoding: Encoding): AsyncGenerator<Buffer> {
    for (let at = 0; ; at += 1) {
      const head = await this.#bytes.head(encoding, false);
      if (head?.tag === SEQUENCE_END) return;
      if (head?.tag !== ITEM || head.length === UNDEFINED_LENGTH)
        throw new DicomUnreadable('structure', 'compressed pixels hold something else than fragments');
      if (at === 0) await this.#bytes.skip(head.length);
      else yield* this.#bytes.pass(head.length);
    }
  }

  /** Goes to the beginning of an item; tells where it ends, `undefined` where there are fewer. */
  async #enter(number: number, end: number, encoding: Encoding): Promise<number | undefined> {
    for (let at = 1; this.#bytes.at < end; at += 1) {
      const head = await this.#bytes.head(encoding, false);
      if (head?.tag !== ITEM) return undefined;
      if (at === number) return this.#endOf(head.length);
      await this.#skipItem(head.length, encoding);
    }
    return undefined;
  }

  async #skip(head: ElementHead, encoding: Encoding): Promise<void> {
    const { length } = head;
    if (length !== UNDEFINED_LENGTH) return this.#bytes.skip(length);
    if (!isSequence(head)) return this.#bytes.skipFragments(encoding);
    const within = itemsEncoding(head, encoding);
    for (;;) {
      const item = await this.#bytes.head(within, false);
      if (item?.tag === SEQUENCE_END) return;
      if (item?.tag !== ITEM)
        throw new DicomUnreadable('structure', 'a sequence holds something else than items');
      await this.#skipItem(item.length, within);
    }
  }

  async #skipItem(length: number, encoding: Encoding): Promise<void> {
    if (length !== UNDEFINED_LENGTH) return this.#bytes.skip(length);
    for (;;) {
      const head = await this.#head(encoding, false);
      if (head === undefined || head.tag === ITEM_END) return;
      await this.#skip(head, encoding);
    }
  }

  async #head(encoding: Encoding, isTop: boolean): Promise<ElementHead | undefined> {
    const head = await this.#bytes.head(encoding, isTop);
    if (head === undefined || !encoding.implicit || head.tag >>> 16 === 0xfffe) return head;
    // Signed or not, numbers are of one width.
    return { ...head, vr: this.#representationOf(head.tag, false) };
  }

  #endOf(length: number): number {
    return length === UNDEFINED_LENGTH ? Infinity : this.#bytes.at + length;
  }
}

/** Of undefined length all is a sequence but compressed pixels (PS3.5 §6.2.2, §A.4). */
function isSequence({ vr, length }: ElementHead): boolean {
  return vr === 'SQ' || (length === UNDEFINED_LENGTH && (vr === 'UN' || !BULK_VRS.has(vr)));
}

/** Items of a sequence that is written UN are in Implicit VR Little Endian (PS3.5 §6.2.2). */
function itemsEncoding({ vr }: ElementHead, encoding: Encoding): Encoding {
  return vr === 'UN' ? IMPLICIT_LITTLE : encoding;
}
