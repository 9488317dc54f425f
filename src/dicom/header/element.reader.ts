import { isShortForm } from '../element.head.js';
import { type Encoding, type ElementVisitor, type TopElement } from '../element.head.js';
import { DicomUnreadable } from '../dicom.unreadable.js';

interface Level {
  /** Of the element that is a sequence, or whose items these are. */
  tag: number;
  kind: 'sequence' | 'item' | 'fragments';
  end: number;
  encoding: Encoding;
}

interface WantedValue {
  element: TopElement;
  isNested: boolean;
  pieces: Buffer[];
  missing: number;
}

const UNDEFINED_LENGTH = 0xffffffff;
const ITEM = 0xfffee000;
const ITEM_END = 0xfffee00d;
const SEQUENCE_END = 0xfffee0dd;
const PIXEL_DATA = 0x7fe00010;
/** A UID with its padding, and a little more. */
const LONGEST_NESTED = 128;
const LONGEST_PADDING = 1024 * 1024;
const IMPLICIT_LITTLE: Encoding = { implicit: true, big: false };
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
  /** Where zeros begin that fill the file up. */
  #padding: number | undefined;
  #padded = 0;

  constructor(encoding: Encoding, maxDepth: number, visitor: ElementVisitor) {
    this.#encoding = encoding;
    this.#maxLevels = maxDepth * 2;
    this.#visitor = visitor;
  }

  /** How many of the bytes so far belong to the data set for sure: what may be zeros behind it does not. */
  get certain(): number {
    return (
      this.#padding ??
      this.#at - this.#skip - (this.#value?.missing ?? 0) + (this.#levels.length > 0 ? this.#filled : 0)
    );
  }

  /** Whether the data set is over and zeros follow. */
  get padded(): boolean {
    return this.#padding !== undefined;
  }

  /** Reads on; DicomUnreadable when the bytes are no data set. */
  feed(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      if (this.#padding !== undefined) {
        this.#pad(chunk.subarray(at));
        return;
      }
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
    // In big endian a tag begins with a zero: a few of them may be all that is left of an element.
    const isZero = this.#head.subarray(0, this.#filled).every((byte) => byte === 0);
    const begun =
      this.#filled > 0 &&
      this.#padding === undefined &&
      !(isZero && this.#levels.length === 0 && !this.#encoding.big);
    const inside = begun || this.#skip > 0 || this.#value !== undefined;
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
      this.#give(value.element, value.isNested, Buffer.concat(value.pieces));
    }
    return piece.length;
  }

  #header(): void {
    this.#leave();
    const level = this.#levels.at(-1);
    if (level === undefined && this.#filled === 8 && this.#head.subarray(0, 8).every((byte) => byte === 0)) {
      this.#padding = this.#at;
      return;
    }
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
      if (this.#levels.length === 1) this.#visitor.item?.(level.tag);
      this.#enter('item', level.tag, length === UNDEFINED_LENGTH ? Infinity : end + length, level.encoding);
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
    const wanted = level === undefined ? this.#visitor.element(element) : this.#wantsNested(element, level);
    if (length === Infinity) this.#open(element, encoding);
    else if (vr === 'SQ') this.#enter('sequence', tag, end, encoding);
    else if (this.#visitor.isSequence?.(element) === true) this.#enter('sequence', tag, end, IMPLICIT_LITTLE);
    else if (!wanted) this.#pass(length);
    else this.#await(element, level !== undefined);
  }

  #wantsNested({ tag, length }: TopElement, { tag: within }: Level): boolean {
    return (
      length <= LONGEST_NESTED && this.#visitor.nested?.(tag, within, this.#levels.length === 2) === true
    );
  }

  #give(element: TopElement, isNested: boolean, bytes: Buffer): void {
    if (isNested) this.#visitor.nestedValue?.(element, bytes);
    else this.#visitor.value(element, bytes);
  }

  /** Zeros after the data set, with which some writers fill a file up to a round length. */
  #pad(bytes: Buffer): void {
    this.#padded += bytes.length;
    if (this.#padded > LONGEST_PADDING || bytes.some((byte) => byte !== 0))
      throw new DicomUnreadable('structure', 'something else than padding follows the data set');
  }

  /** An undefined length: a sequence, one written as UN in implicit VR (PS3.5 §6.2.2), or encapsulated pixel data. */
  #open({ tag, vr }: TopElement, encoding: Encoding): void {
    if (vr === 'SQ') return this.#enter('sequence', tag, Infinity, encoding);
    if (vr === 'OB' || vr === 'OW' || (vr === '' && tag === PIXEL_DATA)) {
      return this.#enter('fragments', tag, Infinity, encoding);
    }
    if (vr === 'UN' || vr === '') return this.#enter('sequence', tag, Infinity, IMPLICIT_LITTLE);
    throw new DicomUnreadable('length', 'an undefined length where none may be');
  }

  #enter(kind: Level['kind'], tag: number, end: number, encoding: Encoding): void {
    if (this.#levels.length >= this.#maxLevels)
      throw new DicomUnreadable('too-deep', 'sequences nested too deep');
    this.#levels.push({ tag, kind, end, encoding });
  }

  /** Leaves the levels that end where the next header starts. */
  #leave(): void {
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
      if (this.#at > level.end) throw tooLong();
      if (this.#at < level.end) return;
      this.#levels.pop();
    }
  }

  #await(element: TopElement, isNested: boolean): void {
    this.#at += element.length;
    if (element.length === 0) this.#give(element, isNested, Buffer.alloc(0));
    else this.#value = { element, isNested, pieces: [], missing: element.length };
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
