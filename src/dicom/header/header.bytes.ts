import { DicomUnreadable } from '../dicom.unreadable.js';

/** The beginning of a source in one piece, read only as far as asked for and never further than a limit. */
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

  /** Reads until there are this many bytes; false when the source ends before. Beyond the limit: DicomUnreadable. */
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
    // Most headers come in one chunk, which stays as it is.
    this.bytes = pieces.length === 1 ? (pieces[0] ?? this.bytes) : Buffer.concat(pieces);
    return this.bytes.length >= length;
  }
}
