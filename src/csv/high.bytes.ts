import { isAscii } from 'node:buffer';

const LF = 0x0a;
const CR = 0x0d;

/** The kinds of bytes beside a byte above 0x7F. `HIGH` is another byte above 0x7F. */
export const NEIGHBOURS = { OTHER: 0, LOWER: 1, UPPER: 2, HIGH: 3 } as const;
const KINDS = Object.keys(NEIGHBOURS).length;

/** Facts about the bytes above 0x7F of a file. They need one pass over all bytes and constant memory. */
export interface HighByteFacts {
  /** The number of lines with UTF-8 characters of several bytes and without invalid UTF-8. */
  readonly utf8Lines: number;
  /** The number of lines with invalid UTF-8. */
  readonly brokenLines: number;
  /** The number of times that the byte stood between these two kinds of bytes. */
  count(byte: number, before: number, after: number): number;
}

/** Counts the bytes above 0x7F of a file. Push every chunk in order, then call `finish`. */
export class HighByteCounter {
  private readonly counts = new Uint32Array(128 * KINDS * KINDS);
  private utf8Lines = 0;
  private brokenLines = 0;
  private hasCharacter = false;
  private isBroken = false;
  /** The number of continuation bytes that are missing, and the allowed values of the next one (Unicode 16, table 3-7). */
  private missing = 0;
  private lowest = 0x80;
  private highest = 0xbf;
  /** The previous byte if it is above 0x7F. `before` is the kind of the byte before it. */
  private previous: number | undefined;
  private before: number = NEIGHBOURS.OTHER;
  /** The kind of the last byte of the previous chunk. */
  private last: number = NEIGHBOURS.OTHER;

  /** Adds the next bytes. */
  push(chunk: Buffer): void {
    // An ASCII chunk changes nothing here, unless a character or a line with such bytes continues in it.
    const isPlain = this.previous === undefined && !this.hasCharacter && !this.isBroken && isAscii(chunk);
    const end = isPlain ? 0 : chunk.length;
    for (let at = 0; at < end; at += 1) {
      const byte = chunk[at] ?? 0;
      if (byte >= 0x80 || this.previous !== undefined)
        this.add(byte, at === 0 ? this.last : kindOf(chunk[at - 1] ?? 0));
      if (byte === LF || byte === CR) this.endLine();
    }
    this.last = kindOf(chunk.at(-1) ?? 0);
  }

  /** Returns the facts. Call it after the last chunk. */
  finish(): HighByteFacts {
    if (this.previous !== undefined) this.count(this.previous, this.before, NEIGHBOURS.OTHER);
    this.previous = undefined;
    if (this.missing > 0) this.isBroken = true;
    this.endLine();
    const { counts, utf8Lines, brokenLines } = this;
    return {
      utf8Lines,
      brokenLines,
      count: (byte, before, after) => counts[placeOf(byte, before, after)] ?? 0,
    };
  }

  /** Adds a byte above 0x7F or the byte after one. `before` is the kind of the byte before it. */
  private add(byte: number, before: number): void {
    if (this.previous !== undefined) this.count(this.previous, this.before, kindOf(byte));
    this.checkUtf8(byte);
    this.previous = byte < 0x80 ? undefined : byte;
    this.before = before;
  }

  private count(byte: number, before: number, after: number): void {
    const place = placeOf(byte, before, after);
    this.counts[place] = (this.counts[place] ?? 0) + 1;
  }

  private checkUtf8(byte: number): void {
    if (this.missing > 0) {
      if (byte >= this.lowest && byte <= this.highest) {
        this.missing -= 1;
        this.lowest = 0x80;
        this.highest = 0xbf;
        if (this.missing === 0) this.hasCharacter = true;
        return;
      }
      this.isBroken = true;
      this.missing = 0;
    }
    if (byte < 0x80) return;
    if (byte < 0xc2 || byte > 0xf4) this.isBroken = true;
    else this.missing = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    this.lowest = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80;
    this.highest = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf;
  }

  private endLine(): void {
    if (!this.isBroken && !this.hasCharacter) return;
    if (this.isBroken) this.brokenLines += 1;
    else this.utf8Lines += 1;
    this.isBroken = false;
    this.hasCharacter = false;
  }
}

const placeOf = (byte: number, before: number, after: number): number =>
  ((byte - 128) * KINDS + before) * KINDS + after;

function kindOf(byte: number): number {
  if (byte > 0x7f) return NEIGHBOURS.HIGH;
  if (byte >= 0x61 && byte <= 0x7a) return NEIGHBOURS.LOWER;
  return byte >= 0x41 && byte <= 0x5a ? NEIGHBOURS.UPPER : NEIGHBOURS.OTHER;
}
