import type { ByteWindow } from './header.bytes.js';
import { DicomUnreadable } from './header.unreadable.js';

/** How the elements of a data set are written (PS3.5 §7.1, §7.3). */
export interface Encoding {
  implicit: boolean;
  big: boolean;
}

/** A top-level element: where its header and its value start and end in the window. */
export interface TopElement {
  tag: number;
  /** Empty in implicit VR. */
  vr: string;
  start: number;
  valueStart: number;
  /** Infinity when the length is undefined. */
  valueEnd: number;
}

interface Level {
  kind: 'sequence' | 'item' | 'fragments';
  end: number;
  encoding: Encoding;
}

const UNDEFINED_LENGTH = 0xffffffff;
const ITEM = 0xfffee000;
const ITEM_END = 0xfffee00d;
const SEQUENCE_END = 0xfffee0dd;
const PIXEL_DATA = 0x7fe00010;
// Every VR that is not one of these has a length of 32 bits (PS3.5 §7.1.2), those yet to come as well.
const SHORT_FORM = new Set('AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US'.split(' '));
const IMPLICIT_LITTLE: Encoding = { implicit: true, big: false };

/**
 * Goes over the elements of a data set one by one and through their sequences without recursion. Lengths are only compared,
 * never allocated: one that lies ends in DicomUnreadable.
 */
export class ElementWalker {
  readonly #window: ByteWindow;
  readonly #encoding: Encoding;
  readonly #maxDepth: number;
  readonly #levels: Level[] = [];
  #at: number;

  constructor(window: ByteWindow, at: number, encoding: Encoding, maxDepth: number) {
    this.#window = window;
    this.#at = at;
    this.#encoding = encoding;
    this.#maxDepth = maxDepth;
  }

  /** The next element of the top level, its value not read yet; undefined at the end of the source. */
  async next(): Promise<TopElement | undefined> {
    while (this.#levels.length > 0) await this.#inside();
    if (!(await this.#window.reach(this.#at + 1))) {
      if (this.#at > this.#window.bytes.length) throw truncated();
      return undefined;
    }
    const element = await this.#element(this.#encoding, Infinity);
    if (element.tag >>> 16 === 0xfffe) throw new DicomUnreadable('structure', 'an item outside a sequence');
    return element;
  }

  /** Waits for the whole value of an element and gives its bytes. */
  async value({ valueStart, valueEnd }: TopElement): Promise<Buffer> {
    if (!(await this.#window.reach(valueEnd))) throw truncated();
    return this.#window.bytes.subarray(valueStart, valueEnd);
  }

  async #inside(): Promise<void> {
    const level = this.#levels.at(-1);
    if (level === undefined) return;
    if (this.#at > level.end) throw tooLong();
    if (this.#at === level.end) {
      this.#levels.pop();
      return;
    }
    if (level.kind === 'item') {
      if (await this.#endsHere(level, ITEM_END)) return;
      const { tag } = await this.#element(level.encoding, level.end);
      if (tag >>> 16 === 0xfffe) throw new DicomUnreadable('structure', 'a delimiter that does not belong');
      return;
    }
    if (await this.#endsHere(level, SEQUENCE_END)) return;
    await this.#item(level);
  }

  /** Passes the delimiter of a level of undefined length. */
  async #endsHere(level: Level, delimiter: number): Promise<boolean> {
    await this.#have(8);
    if (level.end !== Infinity || this.#tag(level.encoding) !== delimiter) return false;
    this.#at += 8;
    this.#levels.pop();
    return true;
  }

  async #item(level: Level): Promise<void> {
    if (this.#tag(level.encoding) !== ITEM)
      throw new DicomUnreadable('structure', 'a sequence holds something else than items');
    const length = this.#uint32(this.#at + 4, level.encoding);
    this.#at += 8;
    const end = length === UNDEFINED_LENGTH ? Infinity : this.#at + length;
    if (end > level.end && end !== Infinity) throw tooLong();
    if (level.kind === 'fragments') {
      if (end === Infinity) throw new DicomUnreadable('structure', 'a fragment of undefined length');
      this.#at = end;
      return;
    }
    this.#descend({ kind: 'item', end, encoding: level.encoding });
  }

  /** Reads an element's header and goes to where the next header is: into a sequence, else behind the value. */
  async #element(encoding: Encoding, end: number): Promise<TopElement> {
    await this.#have(8);
    const start = this.#at;
    const tag = this.#tag(encoding);
    const { vr, length, valueStart } = await this.#lengthOf(tag, encoding);
    this.#at = valueStart;
    if (length === UNDEFINED_LENGTH) {
      this.#open(tag, vr, encoding);
      return { tag, vr, start, valueStart, valueEnd: Infinity };
    }
    const valueEnd = valueStart + length;
    if (valueEnd > end) throw tooLong();
    if (vr === 'SQ') this.#descend({ kind: 'sequence', end: valueEnd, encoding });
    else this.#at = valueEnd;
    return { tag, vr, start, valueStart, valueEnd };
  }

  async #lengthOf(
    tag: number,
    encoding: Encoding,
  ): Promise<{ vr: string; length: number; valueStart: number }> {
    if (encoding.implicit || tag >>> 16 === 0xfffe) {
      return { vr: '', length: this.#uint32(this.#at + 4, encoding), valueStart: this.#at + 8 };
    }
    const vr = this.#window.bytes.toString('latin1', this.#at + 4, this.#at + 6);
    if (SHORT_FORM.has(vr)) {
      const { bytes } = this.#window;
      const length = encoding.big ? bytes.readUInt16BE(this.#at + 6) : bytes.readUInt16LE(this.#at + 6);
      return { vr, length, valueStart: this.#at + 8 };
    }
    if (!/^[A-Z]{2}$/.test(vr)) throw new DicomUnreadable('structure', 'a value representation is not one');
    await this.#have(12);
    return { vr, length: this.#uint32(this.#at + 8, encoding), valueStart: this.#at + 12 };
  }

  /** An undefined length: a sequence, one written as UN in implicit VR (PS3.5 §6.2.2), or encapsulated pixel data. */
  #open(tag: number, vr: string, encoding: Encoding): void {
    if (vr === 'SQ') return this.#descend({ kind: 'sequence', end: Infinity, encoding });
    if (vr === 'OB' || vr === 'OW' || (vr === '' && tag === PIXEL_DATA)) {
      return this.#descend({ kind: 'fragments', end: Infinity, encoding });
    }
    if (vr === 'UN' || vr === '')
      return this.#descend({ kind: 'sequence', end: Infinity, encoding: IMPLICIT_LITTLE });
    throw new DicomUnreadable('length', 'an undefined length where none may be');
  }

  #descend(level: Level): void {
    if (this.#levels.length >= this.#maxDepth * 2)
      throw new DicomUnreadable('too-deep', 'sequences nested too deep');
    this.#levels.push(level);
  }

  async #have(length: number): Promise<void> {
    const end = this.#at + length;
    if (this.#window.bytes.length < end && !(await this.#window.reach(end))) throw truncated();
  }

  #tag({ big }: Encoding): number {
    const { bytes } = this.#window;
    const group = big ? bytes.readUInt16BE(this.#at) : bytes.readUInt16LE(this.#at);
    const element = big ? bytes.readUInt16BE(this.#at + 2) : bytes.readUInt16LE(this.#at + 2);
    return group * 0x10000 + element;
  }

  #uint32(at: number, { big }: Encoding): number {
    return big ? this.#window.bytes.readUInt32BE(at) : this.#window.bytes.readUInt32LE(at);
  }
}

function truncated(): DicomUnreadable {
  return new DicomUnreadable('truncated', 'the file ends inside its header');
}

function tooLong(): DicomUnreadable {
  return new DicomUnreadable('length', 'an element is longer than what holds it');
}
