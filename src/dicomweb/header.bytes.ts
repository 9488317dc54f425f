import { constants, inflateRawSync } from 'node:zlib';
import { DicomUnreadable } from './header.unreadable.js';

const FIRST_GROWTH = 65_536;
const FIRST_INFLATE = 4096;
// Deflate makes at most about 1032 bytes out of one, so the first attempt always fits.
const INFLATE_ROOM = FIRST_INFLATE * 1040;

/** What walks elements asks for its bytes: those of the file, or those that were deflated inside it. */
export interface ByteWindow {
  readonly bytes: Buffer;
  readonly limit: number;
  reach(length: number): Promise<boolean>;
}

/** The beginning of a source in one piece, read only as far as asked for and never further than a limit. */
export class HeaderBytes implements ByteWindow {
  readonly #source: AsyncIterator<Buffer>;
  #store: Buffer = Buffer.alloc(0);
  #owned = false;
  #ended = false;
  /** Everything read so far. */
  bytes: Buffer = Buffer.alloc(0);

  constructor(
    source: AsyncIterator<Buffer>,
    readonly limit: number,
  ) {
    this.#source = source;
  }

  /** Reads until there are this many bytes; false when the source ends before. Beyond the limit: DicomUnreadable. */
  async reach(length: number): Promise<boolean> {
    if (length > this.limit) throw new DicomUnreadable('too-large', 'the header is longer than allowed');
    while (this.bytes.length < length && !this.#ended) {
      const { done, value } = await this.#source.next();
      if (done === true) this.#ended = true;
      else this.#append(value);
    }
    return this.bytes.length >= length;
  }

  /** The first chunk is kept as it is; only a header that is longer is copied together. */
  #append(chunk: Buffer): void {
    const before = this.bytes.length;
    if (before === 0) {
      this.#store = chunk;
      this.bytes = chunk;
      return;
    }
    const length = before + chunk.length;
    if (!this.#owned || length > this.#store.length) {
      this.#store = Buffer.allocUnsafe(Math.max(length, before * 2, FIRST_GROWTH));
      this.bytes.copy(this.#store);
      this.#owned = true;
    }
    chunk.copy(this.#store, before);
    this.bytes = this.#store.subarray(0, length);
  }
}

/** The beginning of a deflated data set (PS3.5 §A.5), inflated only as far as asked for. */
export class InflatedBytes implements ByteWindow {
  readonly #raw: HeaderBytes;
  readonly #from: number;
  #used = 0;
  #ended = false;
  bytes: Buffer = Buffer.alloc(0);

  constructor(raw: HeaderBytes, from: number) {
    this.#raw = raw;
    this.#from = from;
  }

  get limit(): number {
    return this.#raw.limit;
  }

  /** As of HeaderBytes; each attempt starts anew with twice as much input, so that no single one can blow up. */
  async reach(length: number): Promise<boolean> {
    if (length > this.limit) throw new DicomUnreadable('too-large', 'the header is longer than allowed');
    while (this.bytes.length < length && !this.#ended) {
      const next = Math.max(FIRST_INFLATE, this.#used * 2);
      const whole = !(await this.#raw.reach(Math.min(this.#from + next, this.limit)));
      const input = this.#raw.bytes.subarray(this.#from, this.#from + next);
      if (!whole && input.length === this.#used)
        throw new DicomUnreadable('too-large', 'the header is longer than allowed');
      this.#used = input.length;
      this.#ended = whole;
      this.bytes = this.#inflate(input, whole);
    }
    return this.bytes.length >= length;
  }

  #inflate(input: Buffer, whole: boolean): Buffer {
    try {
      return inflateRawSync(input, {
        finishFlush: whole ? constants.Z_FINISH : constants.Z_SYNC_FLUSH,
        maxOutputLength: this.limit + INFLATE_ROOM,
      });
    } catch {
      throw new DicomUnreadable('deflate', 'the data set cannot be inflated within the limit');
    }
  }
}
