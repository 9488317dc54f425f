import { MultipartBroken } from './multipart.broken.js';

const MAX_PADDING = 256;
const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const HYPHEN = 0x2d;
const LINE_ENDS = new Set([TAB, LF, CR, SPACE]);

/** Reads a source up to each delimiter (CRLF, "--", boundary). A delimiter may be split across chunks. */
export class MultipartScanner {
  readonly #source: AsyncIterator<Buffer>;
  readonly #delimiter: Buffer;
  #ended = false;
  #pending: Buffer = Buffer.alloc(0);
  /** The number of held bytes. They are the last bytes received so far, and match the start of a delimiter. */
  #matched = 2;
  /**
   * The number of held bytes that are never returned as data. At the start of the body and after a header, these are the two bytes of the
   * line end (CRLF) with which a delimiter begins.
   */
  #virtual = 2;

  constructor(source: AsyncIterable<Buffer>, boundary: string) {
    this.#source = source[Symbol.asyncIterator]();
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  }

  /**
   * Must be called after a header. If the part has no body, the line end of the empty line after the header can also begin the next
   * delimiter.
   */
  lineEndMayBegin(): void {
    this.#begin(2, 2);
  }

  /**
   * Returns the next bytes before a delimiter. Returns 'delimiter' when a delimiter was read, and 'end' when the source ended without a
   * delimiter.
   */
  async next(): Promise<Buffer | 'delimiter' | 'end'> {
    for (;;) {
      if (this.#pending.length === 0 && !(await this.#pull())) return 'end';
      const piece = this.#matched > 0 ? this.#continueDelimiter() : this.#search();
      if (piece !== undefined) return piece;
    }
  }

  /**
   * Skips data up to the end of the next delimiter. Resolves to false when the source ends first. Throws `MultipartBroken` for more than
   * `maxBytes` bytes of data.
   */
  async skip(maxBytes: number): Promise<boolean> {
    for (let left = maxBytes; left >= 0;) {
      const piece = await this.next();
      if (typeof piece === 'string') return piece === 'delimiter';
      left -= piece.length;
    }
    throw new MultipartBroken('too-long', 'too much data outside the parts');
  }

  /** Whether the last delimiter is the closing delimiter. White space after a delimiter is allowed (RFC 2046 §5.1.1). */
  async isClosing(): Promise<boolean> {
    let byte = await this.#byte();
    if (byte === HYPHEN) {
      if ((await this.#byte()) !== HYPHEN)
        throw new MultipartBroken('boundary', 'characters follow a boundary');
      if (this.#pending.length === 0 && !(await this.#pull())) return true;
      if (LINE_ENDS.has(this.#pending[0] ?? LF)) return true;
      throw new MultipartBroken('boundary', 'characters follow the closing boundary');
    }
    for (let left = MAX_PADDING; left > 0 && (byte === SPACE || byte === TAB); left -= 1)
      byte = await this.#byte();
    if (byte === LF) throw new MultipartBroken('line-end', 'a boundary does not end with CRLF');
    if (byte !== CR) throw new MultipartBroken('boundary', 'characters follow a boundary');
    if ((await this.#byte()) !== LF)
      throw new MultipartBroken('line-end', 'a boundary does not end with CRLF');
    return false;
  }

  /** Reads the next line as Latin-1, and returns it without its CRLF. */
  async line(maxBytes: number): Promise<string> {
    const pieces: Buffer[] = [];
    let size = 0;
    for (let end = -1; end < 0;) {
      if (this.#pending.length === 0 && !(await this.#pull())) {
        throw new MultipartBroken('truncated', 'the body ends inside a header');
      }
      end = this.#pending.indexOf(LF);
      const piece = end < 0 ? this.#pending : this.#pending.subarray(0, end + 1);
      size += piece.length;
      if (size > maxBytes) throw new MultipartBroken('header', 'a header is longer than allowed');
      pieces.push(piece);
      this.#pending = this.#pending.subarray(piece.length);
    }
    const line = Buffer.concat(pieces, size);
    if (line[size - 2] !== CR) throw new MultipartBroken('line-end', 'a line does not end with CRLF');
    return line.toString('latin1', 0, size - 2);
  }

  async #byte(): Promise<number> {
    if (this.#pending.length === 0 && !(await this.#pull())) {
      throw new MultipartBroken('truncated', 'the body ends inside a boundary');
    }
    const byte = this.#pending.readUInt8(0);
    this.#pending = this.#pending.subarray(1);
    return byte;
  }

  async #pull(): Promise<boolean> {
    while (!this.#ended) {
      const { done, value } = await this.#source.next();
      if (done === true) this.#ended = true;
      else if (value.length > 0) {
        this.#pending = value;
        return true;
      }
    }
    return false;
  }

  /**
   * Continues a delimiter that began in earlier chunks. After a mismatch, no other delimiter can start within the held bytes, because only
   * the first byte of a delimiter is CR.
   */
  #continueDelimiter(): Buffer | 'delimiter' | undefined {
    const length = Math.min(this.#delimiter.length - this.#matched, this.#pending.length);
    const same =
      this.#delimiter.compare(this.#pending, 0, length, this.#matched, this.#matched + length) === 0;
    if (!same) {
      const held = Buffer.from(this.#delimiter.subarray(this.#virtual, this.#matched));
      this.#begin(0, 0);
      return held.length > 0 ? held : undefined;
    }
    this.#matched += length;
    this.#pending = this.#pending.subarray(length);
    if (this.#matched < this.#delimiter.length) return undefined;
    this.#begin(0, 0);
    return 'delimiter';
  }

  #search(): Buffer | 'delimiter' | undefined {
    const chunk = this.#pending;
    const at = chunk.indexOf(this.#delimiter);
    if (at === 0) {
      this.#pending = chunk.subarray(this.#delimiter.length);
      return 'delimiter';
    }
    if (at > 0) {
      this.#pending = chunk.subarray(at);
      return chunk.subarray(0, at);
    }
    this.#pending = chunk.subarray(chunk.length);
    this.#begin(this.#delimiterStart(chunk), 0);
    const data = chunk.subarray(0, chunk.length - this.#matched);
    return data.length > 0 ? data : undefined;
  }

  /** Number of bytes at the end of a chunk that can be the start of a delimiter. */
  #delimiterStart(chunk: Buffer): number {
    const end = chunk.subarray(Math.max(0, chunk.length - this.#delimiter.length + 1));
    const at = end.lastIndexOf(CR);
    if (at < 0) return 0;
    const length = end.length - at;
    return this.#delimiter.compare(end, at, end.length, 0, length) === 0 ? length : 0;
  }

  #begin(matched: number, virtual: number): void {
    this.#matched = matched;
    this.#virtual = virtual;
  }
}
