import { DicomUnreadable } from '../dicom.unreadable.js';

/** Reads the beginning of a source into one buffer. It reads only as far as requested, and never more than a limit. */
export class HeaderBytes {
  readonly #source: AsyncIterator<Buffer>;
  readonly #limit: number;
  #ended = false;
  /** Everything read so far. */
  bytes: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterator<Buffer>, limit: number) {
    this.#source = source;
    this.#limit = limit;
  }

  /**
   * Reads until the buffer has `length` bytes. Returns false when the source has fewer bytes. Throws `DicomUnreadable` when `length`
   * exceeds the limit.
   */
  async reach(length: number): Promise<boolean> {
    if (this.bytes.length >= length) return true;
    if (length > this.#limit) throw new DicomUnreadable('too-large', 'the header is longer than allowed');
    const pieces = this.bytes.length === 0 ? [] : [this.bytes];
    for (let size = this.bytes.length; size < length && !this.#ended;) {
      const { done, value } = await this.#source.next();
      if (done === true) this.#ended = true;
      else {
        pieces.push(value);
        size += value.length;
      }
    }
    // Most headers arrive in one chunk, which is not copied.
    this.bytes = pieces.length === 1 ? (pieces[0] ?? this.bytes) : Buffer.concat(pieces);
    return this.bytes.length >= length;
  }
}
