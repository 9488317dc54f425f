import type { DataSetBytes, OpenedFile } from './data.set.bytes.js';
import { type RepresentationOf, SWAPPED_WIDTHS, swapped } from './data.set.recoder.js';
import {
  type ElementHead,
  type Encoding,
  holdsItems,
  isDelimiter,
  ITEM,
  ITEM_END,
  itemsEncoding,
  UNDEFINED_LENGTH,
} from './element.decoder.js';

/** A value in a file. `pieces`: the bytes in little endian. `length`: the number of bytes, if it is known before reading. */
export interface FoundValue {
  readonly length: number | undefined;
  readonly pieces: AsyncGenerator<Buffer>;
}

/**
 * Finds the value at a path. Metadata uses such paths to refer to bulk data (PS3.18 F.2.6). A path alternates between tags and item numbers
 * (from 1). Returns `undefined` when the element is missing, empty or a sequence. Throws `DicomUnreadable`.
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

  /** Searches the data set that ends at `end`. */
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
        await this.#bytes.skipValue(head, encoding);
        continue;
      }
      if (number === undefined) return this.#value(head, encoding, isTop);
      if (!holdsItems(head)) return undefined;
      const within = itemsEncoding(head, encoding);
      const itemEnd = await this.#enter(number, this.#bytes.endOf(head.length), within);
      return itemEnd === undefined ? undefined : this.find(rest, itemEnd, within, false);
    }
    return undefined;
  }

  #value(head: ElementHead, encoding: Encoding, isTop: boolean): FoundValue | undefined {
    const { vr, length } = head;
    if (holdsItems(head) || length === 0) return undefined;
    // Compressed pixel data at the top level is retrieved as frames, not as a value.
    if (length === UNDEFINED_LENGTH)
      return isTop ? undefined : { length: undefined, pieces: this.#fragments(encoding) };
    const pieces = this.#bytes.pass(length);
    return { length, pieces: encoding.big ? swapped(pieces, SWAPPED_WIDTHS.get(vr) ?? 1) : pieces };
  }

  /** The fragments of compressed pixel data without the offset table, which is the first item (PS3.5 §A.4). */
  async *#fragments(encoding: Encoding): AsyncGenerator<Buffer> {
    const offsetTable = await this.#bytes.fragment(encoding);
    if (offsetTable === undefined) return;
    await this.#bytes.skip(offsetTable);
    for (let length = await this.#bytes.fragment(encoding); length !== undefined;) {
      yield* this.#bytes.pass(length);
      length = await this.#bytes.fragment(encoding);
    }
  }

  /** Skips to the start of the item with this number, and returns where the item ends. `undefined` when the sequence has fewer items. */
  async #enter(number: number, end: number, encoding: Encoding): Promise<number | undefined> {
    for (let at = 1; this.#bytes.at < end; at += 1) {
      const head = await this.#bytes.head(encoding, false);
      if (head?.tag !== ITEM) return undefined;
      const itemEnd = this.#bytes.endOf(head.length);
      if (at === number) return itemEnd;
      await this.#bytes.skipItem(itemEnd, encoding);
    }
    return undefined;
  }

  async #head(encoding: Encoding, isTop: boolean): Promise<ElementHead | undefined> {
    const head = await this.#bytes.head(encoding, isTop);
    if (head === undefined || !encoding.implicit || isDelimiter(head.tag)) return head;
    // `false` is safe here, because the sign of the pixels changes only the VR and not the width of a number.
    return { ...head, vr: this.#representationOf(head.tag, false) };
  }
}
