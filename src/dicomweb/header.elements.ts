import { DicomUnreadable } from './header.unreadable.js';

/** How the elements of a data set are written (PS3.5 §7.1, §7.3). */
export interface Encoding {
  implicit: boolean;
  big: boolean;
}

/** An element of the top level. */
export interface TopElement {
  tag: number;
  /** Empty in implicit VR. */
  vr: string;
  /** Bytes of the value; Infinity when undefined. */
  length: number;
  /** Where the value ends, in bytes from the start of the data set. */
  end: number;
}

/** Who is told of the elements of the top level, in the order in which they are written. */
export interface ElementVisitor {
  /** Answers whether it wants the value. */
  element(element: TopElement): boolean;
  value(element: TopElement, bytes: Buffer): void;
}

interface Level {
  kind: 'sequence' | 'item' | 'fragments';
  end: number;
  encoding: Encoding;
}

interface WantedValue {
  element: TopElement;
  pieces: Buffer[];
  missing: number;
}

const UNDEFINED_LENGTH = 0xffffffff;
const ITEM = 0xfffee000;
const ITEM_END = 0xfffee00d;
const SEQUENCE_END = 0xfffee0dd;
const PIXEL_DATA = 0x7fe00010;
const IMPLICIT_LITTLE: Encoding = { implicit: true, big: false };
const SHORT_FORM = new Set('AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US'.split(' '));

/** Whether a VR has a length of 16 bits; every other one, those yet to come as well, has one of 32 (PS3.5 §7.1.2). */
export function isShortForm(vr: string): boolean {
  return SHORT_FORM.has(vr);
}

/**
 * Goes over the elements of a data set as its bytes come, through sequences without recursion. It holds a header of 12 bytes and
 * a value that its visitor wants, nothing else; lengths are only compared, so that one that lies costs nothing.
 */
export class ElementReader {
  readonly #encoding: Encoding;
  readonly #maxLevels: number;
  readonly #visitor: ElementVisitor;
  readonly #levels: Level[] = [];
  readonly #head = Buffer.alloc(12);
  #filled = 0;
  #wanted = 8;
  /** Bytes of the data set before the header that is being read. */
  #at = 0;
  #skip = 0;
  #value: WantedValue | undefined;

  constructor(encoding: Encoding, maxDepth: number, visitor: ElementVisitor) {
    this.#encoding = encoding;
    this.#maxLevels = maxDepth * 2;
    this.#visitor = visitor;
  }

  /** Reads on; DicomUnreadable when the bytes are no data set. */
  feed(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at);
        this.#skip -= skipped;
        at += skipped;
      } else if (this.#value !== undefined) {
        at += this.#collect(this.#value, chunk.subarray(at));
      } else {
        const copied = chunk.copy(this.#head, this.#filled, at, at + this.#wanted - this.#filled);
        this.#filled += copied;
        at += copied;
        if (this.#filled === this.#wanted) this.#header();
      }
    }
  }

  /** Says that there are no more bytes; DicomUnreadable inside an element or a sequence. */
  end(): void {
    const inside = this.#filled + this.#skip > 0 || this.#value !== undefined;
    if (!inside) this.#leave();
    if (inside || this.#levels.length > 0) {
      throw new DicomUnreadable('truncated', 'the file ends inside its data set');
    }
  }

  #collect(value: WantedValue, bytes: Buffer): number {
    const piece = bytes.subarray(0, value.missing);
    value.pieces.push(piece);
    value.missing -= piece.length;
    if (value.missing === 0) {
      this.#value = undefined;
      this.#visitor.value(value.element, Buffer.concat(value.pieces));
    }
    return piece.length;
  }

  #header(): void {
    this.#leave();
    const level = this.#levels.at(-1);
    const encoding = level?.encoding ?? this.#encoding;
    const tag = this.#uint16(0, encoding) * 0x10000 + this.#uint16(2, encoding);
    if (tag >>> 16 === 0xfffe) {
      if (level === undefined) throw new DicomUnreadable('structure', 'an item outside a sequence');
      this.#delimiter(tag, level);
    } else if (level === undefined || level.kind === 'item') {
      this.#element(tag, level, encoding);
    } else {
      throw new DicomUnreadable('structure', 'a sequence holds something else than items');
    }
  }

  /** An item, or the end of an item or a sequence. */
  #delimiter(tag: number, level: Level): void {
    const length = this.#uint32(4, level.encoding);
    const end = this.#goOn(8);
    if (tag === (level.kind === 'item' ? ITEM_END : SEQUENCE_END) && level.end === Infinity) {
      this.#levels.pop();
      return;
    }
    if (tag !== ITEM || level.kind === 'item') {
      throw new DicomUnreadable('structure', 'a delimiter that does not belong');
    }
    if (length !== UNDEFINED_LENGTH && end + length > level.end) throw tooLong();
    if (level.kind === 'sequence') {
      this.#enter('item', length === UNDEFINED_LENGTH ? Infinity : end + length, level.encoding);
      return;
    }
    if (length === UNDEFINED_LENGTH) throw new DicomUnreadable('structure', 'a fragment of undefined length');
    this.#pass(length);
  }

  #element(tag: number, level: Level | undefined, encoding: Encoding): void {
    const vr = encoding.implicit ? '' : this.#head.toString('latin1', 4, 6);
    const short = isShortForm(vr);
    if (vr !== '' && !short && this.#filled === 8) {
      if (!/^[A-Z]{2}$/.test(vr)) throw new DicomUnreadable('structure', 'a value representation is not one');
      this.#wanted = 12;
      return;
    }
    const written = short ? this.#uint16(6, encoding) : this.#uint32(vr === '' ? 4 : 8, encoding);
    const start = this.#goOn(this.#filled);
    const length = !short && written === UNDEFINED_LENGTH ? Infinity : written;
    const end = start + length;
    if (length !== Infinity && end > (level?.end ?? Infinity)) throw tooLong();
    const element = { tag, vr, length, end };
    const wanted = level === undefined && this.#visitor.element(element);
    if (length === Infinity) this.#open(element, encoding);
    else if (vr === 'SQ') this.#enter('sequence', end, encoding);
    else if (!wanted) this.#pass(length);
    else this.#await(element);
  }

  /** An undefined length: a sequence, one written as UN in implicit VR (PS3.5 §6.2.2), or encapsulated pixel data. */
  #open({ tag, vr }: TopElement, encoding: Encoding): void {
    if (vr === 'SQ') return this.#enter('sequence', Infinity, encoding);
    if (vr === 'OB' || vr === 'OW' || (vr === '' && tag === PIXEL_DATA)) {
      return this.#enter('fragments', Infinity, encoding);
    }
    if (vr === 'UN' || vr === '') return this.#enter('sequence', Infinity, IMPLICIT_LITTLE);
    throw new DicomUnreadable('length', 'an undefined length where none may be');
  }

  #enter(kind: Level['kind'], end: number, encoding: Encoding): void {
    if (this.#levels.length >= this.#maxLevels)
      throw new DicomUnreadable('too-deep', 'sequences nested too deep');
    this.#levels.push({ kind, end, encoding });
  }

  /** Leaves the levels that end where the next header starts. */
  #leave(): void {
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
      if (this.#at > level.end) throw tooLong();
      if (this.#at < level.end) return;
      this.#levels.pop();
    }
  }

  #await(element: TopElement): void {
    this.#at += element.length;
    if (element.length === 0) this.#visitor.value(element, Buffer.alloc(0));
    else this.#value = { element, pieces: [], missing: element.length };
  }

  #pass(length: number): void {
    this.#at += length;
    this.#skip = length;
  }

  /** The header is read; answers where it ends. */
  #goOn(length: number): number {
    this.#filled = 0;
    this.#wanted = 8;
    this.#at += length;
    return this.#at;
  }

  #uint16(at: number, { big }: Encoding): number {
    return big ? this.#head.readUInt16BE(at) : this.#head.readUInt16LE(at);
  }

  #uint32(at: number, { big }: Encoding): number {
    return big ? this.#head.readUInt32BE(at) : this.#head.readUInt32LE(at);
  }
}

function tooLong(): DicomUnreadable {
  return new DicomUnreadable('length', 'an element is longer than what holds it');
}
