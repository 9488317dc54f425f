import { DicomUnreadable } from './dicom.unreadable.js';
import {
  decodeElementHead,
  type ElementHead,
  type Encoding,
  encodingOf,
  fault,
  holdsItems,
  ITEM,
  ITEM_END,
  itemsEncoding,
  LONG_HEAD,
  MAX_READ_DEPTH,
  SEQUENCE_END,
  SHORT_HEAD,
  UNDEFINED_LENGTH,
} from './element.decoder.js';
import { DEFLATED, PREFIX_END, readMeta } from './file.meta.js';
import { HeaderBytes } from './header/header.bytes.js';
import { inflate, MOST_INFLATED } from './inflated.source.js';

/** Largest number of bytes that one value may have in memory. It is also the limit for everything before the pixel data. */
export const LONGEST_HEADER = 16 * 1024 * 1024;

/** A source of bytes in pieces. The optional `skip` leaves out the next bytes. A skip beyond the end is not an error. */
export interface ByteSource extends AsyncIterator<Buffer> {
  readonly skip?: (bytes: number) => void;
}

/** An object that can be iterated once. Its iterator is a {@link ByteSource}. */
export interface SourceOfBytes {
  [Symbol.asyncIterator](): ByteSource;
}

/**
 * An opened DICOM file (PS3.10 §7). `meta`: the file meta information without the prefix. `dataSet`: the data set, which is inflated if the
 * file is deflated.
 */
export interface OpenedFile {
  readonly meta: Buffer;
  readonly transferSyntax: string;
  readonly encoding: Encoding;
  readonly dataSet: DataSetBytes;
  /** Frees the inflater. The caller must close the stream of the file. */
  readonly close: () => void;
}

/**
 * Opens a file and reads its file meta information. Throws `DicomUnreadable` when the bytes are not a DICOM file. Reading a deflated data set
 * beyond `mostInflated` bytes throws the same error.
 */
export async function openFile(file: SourceOfBytes, mostInflated = MOST_INFLATED): Promise<OpenedFile> {
  const source = file[Symbol.asyncIterator]();
  const start = new HeaderBytes(source, LONGEST_HEADER);
  const { transferSyntax, datasetOffset } = await readMeta(start);
  const ahead = start.bytes.subarray(datasetOffset);
  const meta = start.bytes.subarray(PREFIX_END, datasetOffset);
  const opened = { meta, transferSyntax, encoding: encodingOf(transferSyntax) };
  if (transferSyntax !== DEFLATED)
    return { ...opened, dataSet: new DataSetBytes(source, ahead), close: () => undefined };
  const { inflated, close } = inflate(ahead, source, mostInflated);
  return { ...opened, dataSet: new DataSetBytes(inflated, Buffer.alloc(0)), close };
}

/** Reads a data set element by element from a source. It keeps at most one value in memory. */
export class DataSetBytes {
  #held: Buffer;
  /** Offset in `#held` of the first byte that has not been taken. */
  #start = 0;
  #at = 0;
  readonly #source: ByteSource;

  constructor(source: ByteSource, held: Buffer) {
    this.#source = source;
    this.#held = held;
  }

  /** Number of bytes taken so far. */
  get at(): number {
    return this.#at;
  }

  get #available(): number {
    return this.#held.length - this.#start;
  }

  /**
   * Reads the next element head. Returns `undefined` at the end of the top level, which is the end of the file or the start of zeros that
   * pad the file.
   */
  async head(encoding: Encoding, isTop: boolean): Promise<ElementHead | undefined> {
    if (this.#available < LONG_HEAD) {
      if (isTop && !(await this.#reach(1))) return undefined;
      if (!(await this.#reach(SHORT_HEAD))) throw fault.truncated();
    }
    const isZero = this.#held[this.#start] === 0 && isTop;
    if (isZero && this.#held.subarray(this.#start, this.#start + SHORT_HEAD).every((byte) => byte === 0))
      return undefined;
    let head = decodeElementHead(this.#held, this.#start, encoding);
    if (head === undefined) {
      if (!(await this.#reach(LONG_HEAD))) throw fault.truncated();
      head = decodeElementHead(this.#held, this.#start, encoding);
    }
    if (head !== undefined) this.#advance(head.size);
    return head;
  }

  /** Takes the next `length` bytes as one buffer. Throws `DicomUnreadable` when fewer bytes are left. */
  async take(length: number): Promise<Buffer> {
    if (length > LONGEST_HEADER) throw new DicomUnreadable('too-large', 'a value is longer than allowed');
    if (this.#available < length && !(await this.#reach(length))) throw fault.truncated();
    return this.#cut(length);
  }

  /** Takes the next `length` bytes in pieces. */
  async *pass(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0;) {
      if (!(await this.#reach(1))) throw fault.truncated();
      const piece = this.#cut(Math.min(left, this.#available));
      left -= piece.length;
      yield piece;
    }
  }

  /** Skips `length` bytes. A source with `skip` does not read these bytes, so the end of the file within them is not detected. */
  async skip(length: number): Promise<void> {
    const skipped = Math.min(length, this.#available);
    this.#advance(skipped);
    const left = length - skipped;
    if (left === 0) return;
    if (this.#source.skip === undefined) {
      for await (const _ of this.pass(left));
      return;
    }
    this.#source.skip(left);
    this.#at += left;
  }

  /**
   * Reads the head of the next item in a sequence and returns where the item ends. `end` is where the sequence ends. Infinity means that a
   * delimiter marks the end. Returns `undefined` after the last item.
   */
  async item(encoding: Encoding, end: number): Promise<number | undefined> {
    if (this.#at > end) throw fault.tooLong();
    if (this.#at === end) return undefined;
    const head = await this.head(encoding, false);
    if (head?.tag === SEQUENCE_END && end === Infinity) return undefined;
    if (head?.tag !== ITEM) throw fault.notAnItem();
    const itemEnd = this.endOf(head.length);
    if (itemEnd > end && itemEnd !== Infinity) throw fault.tooLong();
    return itemEnd;
  }

  /**
   * Reads the head of the next fragment of compressed pixel data (PS3.5 §A.4) and returns the length of the fragment. Returns `undefined`
   * after the last fragment.
   */
  async fragment(encoding: Encoding): Promise<number | undefined> {
    const head = await this.head(encoding, false);
    if (head?.tag === SEQUENCE_END) return undefined;
    if (head?.tag !== ITEM || head.length === UNDEFINED_LENGTH) throw fault.notAFragment();
    return head.length;
  }

  /** Skips the fragments of compressed pixel data and their delimiter. */
  async skipFragments(encoding: Encoding): Promise<void> {
    for (let length = await this.fragment(encoding); length !== undefined;) {
      await this.skip(length);
      length = await this.fragment(encoding);
    }
  }

  /** Skips the value of an element whose head was read. */
  async skipValue(head: ElementHead, encoding: Encoding, depth = 0): Promise<void> {
    if (head.length !== UNDEFINED_LENGTH) return this.skip(head.length);
    if (depth === MAX_READ_DEPTH) throw fault.tooDeep();
    if (!holdsItems(head)) return this.skipFragments(encoding);
    const within = itemsEncoding(head, encoding);
    for (let end = await this.item(within, Infinity); end !== undefined;) {
      await this.skipItem(end, within, depth);
      end = await this.item(within, Infinity);
    }
  }

  /** Skips the rest of the current item. `end` is where the item ends. Infinity means that a delimiter marks the end. */
  async skipItem(end: number, encoding: Encoding, depth = 0): Promise<void> {
    if (end !== Infinity) return this.skip(end - this.#at);
    for (
      let head = await this.head(encoding, false);
      head !== undefined && head.tag !== ITEM_END;
      head = await this.head(encoding, false)
    )
      await this.skipValue(head, encoding, depth + 1);
  }

  /** Where a value of this length ends when it starts at the current position. Infinity for an undefined length. */
  endOf(length: number): number {
    return length === UNDEFINED_LENGTH ? Infinity : this.#at + length;
  }

  #advance(length: number): void {
    this.#start += length;
    this.#at += length;
  }

  #cut(length: number): Buffer {
    const piece = this.#held.subarray(this.#start, this.#start + length);
    this.#advance(piece.length);
    return piece;
  }

  async #reach(length: number): Promise<boolean> {
    if (this.#available >= length) return true;
    const pieces = [this.#held.subarray(this.#start)];
    let size = this.#available;
    while (size < length) {
      const { done, value } = await this.#source.next();
      if (done === true) break;
      pieces.push(value);
      size += value.length;
    }
    this.#held = Buffer.concat(pieces);
    this.#start = 0;
    return size >= length;
  }
}
