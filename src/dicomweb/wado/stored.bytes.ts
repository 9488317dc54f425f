import { UpstreamFailed } from '../../problems/errors.js';
import type { ByteRange } from '../http/byte.range.js';
import type { ByteSource } from '../../dicom/data.set.bytes.js';
import type { FilePart } from './file.part.js';

/**
 * Size of the first read in bytes. Most headers of single-frame images are shorter. A larger first read would cost more than an occasional
 * second call.
 */
export const FIRST_WINDOW = 8 * 1024;
/** The number of bytes to read after a skip. It is small, because only the next elements are needed. */
const WINDOW_AFTER_SKIP = 8 * 1024;
const MAX_WINDOW = 1024 * 1024;

/** Fetches a range of a stored file. */
export type FetchRange = (range: ByteRange) => Promise<FilePart>;

/**
 * Reads a file in the archive by ranges, and only as far as the consumer reads. Skipped bytes are not fetched. Each range is read
 * completely before it is passed on, so that no connection to the archive stays open. Throws `UpstreamFailed` when the length of the file
 * changes during the read.
 */
export class StoredBytes implements AsyncIterable<Buffer> {
  #position = 0;
  #total: number | undefined;
  #estimate: number | undefined;
  #window: number;
  /** Number of bytes that were read before the first skip. */
  #headerLength = 0;
  #skipped = false;
  readonly #fetch: FetchRange;

  /**
   * `size`: the expected length of the file. It is needed because the archive refuses a range beyond the end of the file. `window`: the
   * size of the first read in bytes.
   */
  constructor(fetch: FetchRange, size: number | undefined, window = FIRST_WINDOW) {
    this.#fetch = fetch;
    this.#window = Math.min(window, MAX_WINDOW);
    this.#estimate = size;
  }

  /** Number of bytes that were read before the first skip. For an image, this is about the length of the header. */
  get headerLength(): number {
    return this.#headerLength;
  }

  /** The length of the file. `undefined` before the first read. */
  get length(): number | undefined {
    return this.#total;
  }

  [Symbol.asyncIterator](): ByteSource {
    return { next: () => this.#next(), skip: (bytes) => this.#skip(bytes) };
  }

  async #next(): Promise<IteratorResult<Buffer, undefined>> {
    const end = this.#total ?? (await this.#estimatedEnd());
    if (this.#position >= end) return { done: true, value: undefined };
    const { bytes, total } = await this.#read(this.#position, Math.min(this.#window, end - this.#position));
    if (bytes.length === 0 || (this.#total ?? total) !== total)
      throw new UpstreamFailed('part of an instance that changed');
    this.#total = total;
    this.#position += bytes.length;
    if (!this.#skipped) this.#headerLength = this.#position;
    this.#window = Math.min(this.#window * 4, MAX_WINDOW);
    return { done: false, value: bytes };
  }

  async #estimatedEnd(): Promise<number> {
    this.#estimate ??= (await this.#read(0, 1)).total;
    return this.#estimate;
  }

  async #read(from: number, length: number): Promise<{ bytes: Buffer; total: number }> {
    const { stream, total } = await this.#fetch({ first: from, last: from + length - 1 });
    const pieces: Buffer[] = [];
    for await (const piece of stream) if (Buffer.isBuffer(piece)) pieces.push(piece);
    const [only] = pieces;
    return { bytes: pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces), total };
  }

  #skip(bytes: number): void {
    this.#position += bytes;
    this.#skipped = true;
    this.#window = WINDOW_AFTER_SKIP;
  }
}
