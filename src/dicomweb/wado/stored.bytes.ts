import { UpstreamFailed } from '../../problems/errors.js';
import type { ByteRange } from '../http/byte.range.js';
import type { ByteSource } from '../../dicom/data.set.bytes.js';
import type { FilePart } from './file.part.js';

/** Most headers of single images are shorter than this, and what is read in vain costs more than a second call. */
export const FIRST_WINDOW = 8 * 1024;
/** After a jump only the next elements are wanted. */
const AFTER_JUMP = 8 * 1024;
const LARGEST = 1024 * 1024;

/** Asks for a part of a stored file. */
export type AskForPart = (range: ByteRange) => Promise<FilePart>;

/**
 * A file in the archive, read part by part as far as its reader wants; what the reader skips is not read. Each part is
 * complete before it is handed on, so that nothing waits in the archive. Throws `UpstreamFailed` when the file changes meanwhile.
 */
export class StoredBytes implements AsyncIterable<Buffer> {
  #at = 0;
  #total: number | undefined;
  #expected: number | undefined;
  #window: number;
  /** Bytes read before the first jump. */
  #beginning = 0;
  #jumped = false;
  readonly #ask: AskForPart;

  /** `size`: how long the file probably is; the archive refuses a part that ends behind the file. `window`: bytes to begin with. */
  constructor(ask: AskForPart, size: number | undefined, window = FIRST_WINDOW) {
    this.#ask = ask;
    this.#window = Math.min(window, LARGEST);
    this.#expected = size;
  }

  /** How many bytes its reader wanted in one piece from the beginning: the header of an image, or a little more. */
  get beginning(): number {
    return this.#beginning;
  }

  [Symbol.asyncIterator](): ByteSource {
    return { next: () => this.#next(), skip: (bytes) => this.#skip(bytes) };
  }

  async #next(): Promise<IteratorResult<Buffer, undefined>> {
    const end = this.#total ?? (await this.#expectedEnd());
    if (this.#at >= end) return { done: true, value: undefined };
    const { bytes, total } = await this.#read(this.#at, Math.min(this.#window, end - this.#at));
    if (bytes.length === 0 || (this.#total ?? total) !== total)
      throw new UpstreamFailed('part of an instance that changed');
    this.#total = total;
    this.#at += bytes.length;
    if (!this.#jumped) this.#beginning = this.#at;
    this.#window = Math.min(this.#window * 4, LARGEST);
    return { done: false, value: bytes };
  }

  async #expectedEnd(): Promise<number> {
    this.#expected ??= (await this.#read(0, 1)).total;
    return this.#expected;
  }

  async #read(from: number, length: number): Promise<{ bytes: Buffer; total: number }> {
    const { stream, total } = await this.#ask({ first: from, last: from + length - 1 });
    const pieces: Buffer[] = [];
    for await (const piece of stream) if (Buffer.isBuffer(piece)) pieces.push(piece);
    const [only] = pieces;
    return { bytes: pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces), total };
  }

  #skip(bytes: number): void {
    this.#at += bytes;
    this.#jumped = true;
    this.#window = AFTER_JUMP;
  }
}
