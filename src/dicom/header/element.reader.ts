import { DicomUnreadable } from '../dicom.unreadable.js';
import {
  decodeElementHead,
  type Encoding,
  fault,
  IMPLICIT_LITTLE,
  isDelimiter,
  ITEM,
  ITEM_END,
  LONG_HEAD,
  SEQUENCE_END,
  SHORT_HEAD,
  UNDEFINED_LENGTH,
  undefinedLengthContent,
  type ElementHead,
} from '../element.decoder.js';
import type { ElementVisitor, VisitedElement } from './element.visitor.js';

interface Level {
  /** The tag of the sequence. An item has the tag of its sequence. */
  readonly tag: number;
  readonly kind: 'sequence' | 'item' | 'fragments';
  readonly end: number;
  readonly encoding: Encoding;
  /** Number of elements or items so far. */
  children: number;
}

interface WantedValue {
  readonly element: VisitedElement;
  readonly isNested: boolean;
  readonly pieces: Buffer[];
  missing: number;
}

/** Largest nested value that is read, in bytes. It is enough for a UID, which has at most 64 bytes. */
const LONGEST_NESTED = 128;
const LONGEST_PADDING = 1024 * 1024;

/**
 * Reads the elements of a data set as the bytes arrive. Nested sequences are read without recursion. The reader keeps only one head, and
 * one value that its visitor wants. It never allocates memory for a declared length, so a false length costs no memory.
 */
export class ElementReader {
  readonly #encoding: Encoding;
  readonly #maxLevels: number;
  readonly #visitor: ElementVisitor;
  readonly #levels: Level[] = [];
  readonly #head = Buffer.alloc(LONG_HEAD);
  readonly #shortHead = this.#head.subarray(0, SHORT_HEAD);
  #filled = 0;
  #wanted = SHORT_HEAD;
  /** Number of bytes in the data set before the head that is being read. */
  #at = 0;
  #skip = 0;
  #value: WantedValue | undefined;
  /** Position of the first zero of the padding after the data set. */
  #padding: number | undefined;
  #padded = 0;
  #topElements = 0;
  /** The sum of the squares of the numbers of elements and items. */
  #squares = 0;
  readonly #mostSquares: number;

  /** `mostChildren`: limits the root of the sum of the squares of all numbers of children. Some parsers take quadratic time. */
  constructor(encoding: Encoding, maxDepth: number, visitor: ElementVisitor, mostChildren = Infinity) {
    this.#mostSquares = mostChildren ** 2;
    this.#encoding = encoding;
    this.#maxLevels = maxDepth * 2;
    this.#visitor = visitor;
  }

  /** Number of bytes so far that certainly belong to the data set. Zeros at the end are not counted, because they can be padding. */
  get certain(): number {
    return (
      this.#padding ??
      this.#at - this.#skip - (this.#value?.missing ?? 0) + (this.#levels.length > 0 ? this.#filled : 0)
    );
  }

  /** Whether the data set has ended and padding follows. */
  get padded(): boolean {
    return this.#padding !== undefined;
  }

  /** Reads the next bytes. Throws `DicomUnreadable` when they are not a valid data set. */
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
        if (this.#filled === this.#wanted) this.#readHead();
      }
    }
  }

  /** Ends the data set. Throws `DicomUnreadable` when an element or a sequence is incomplete. */
  end(): void {
    // In big endian, a tag can begin with a zero, so a few zeros can be the start of a truncated element.
    const isZero = this.#head.subarray(0, this.#filled).every((byte) => byte === 0);
    const hasBegun =
      this.#filled > 0 &&
      this.#padding === undefined &&
      !(isZero && this.#levels.length === 0 && !this.#encoding.big);
    const isInside = hasBegun || this.#skip > 0 || this.#value !== undefined;
    if (!isInside) this.#leaveLevels();
    if (isInside || this.#levels.length > 0) throw fault.truncated();
  }

  #collect(value: WantedValue, bytes: Buffer): number {
    const piece = bytes.subarray(0, value.missing);
    value.pieces.push(piece);
    value.missing -= piece.length;
    if (value.missing === 0) {
      this.#value = undefined;
      this.#deliver(value.element, value.isNested, Buffer.concat(value.pieces));
    }
    return piece.length;
  }

  #readHead(): void {
    this.#leaveLevels();
    const level = this.#levels.at(-1);
    const isShort = this.#filled === SHORT_HEAD;
    if (level === undefined && isShort && this.#shortHead.every((byte) => byte === 0)) {
      this.#padding = this.#at;
      return;
    }
    const encoding = level?.encoding ?? this.#encoding;
    if (level?.kind === 'sequence' || level?.kind === 'fragments') this.#checkDelimiter(encoding);
    const head = decodeElementHead(isShort ? this.#shortHead : this.#head, 0, encoding);
    if (head === undefined) {
      this.#wanted = LONG_HEAD;
      return;
    }
    this.#filled = 0;
    this.#wanted = SHORT_HEAD;
    this.#at += head.size;
    if (!isDelimiter(head.tag)) this.#element(head, level, encoding);
    else if (level === undefined) throw fault.misplacedDelimiter();
    else this.#delimiter(head, level);
  }

  /** Throws when the next element in a sequence or in a list of fragments is neither an item nor a delimiter. */
  #checkDelimiter({ big }: Encoding): void {
    const group = big ? this.#head.readUInt16BE(0) : this.#head.readUInt16LE(0);
    if (group !== 0xfffe) throw fault.notAnItem();
  }

  /** Handles the start of an item, or the end of an item or a sequence. */
  #delimiter({ tag, length }: ElementHead, level: Level): void {
    if (tag === (level.kind === 'item' ? ITEM_END : SEQUENCE_END) && level.end === Infinity) {
      this.#levels.pop();
      return;
    }
    if (tag !== ITEM || level.kind === 'item') throw fault.misplacedDelimiter();
    const end = length === UNDEFINED_LENGTH ? Infinity : this.#at + length;
    if (end !== Infinity && end > level.end) throw fault.tooLong();
    if (level.kind === 'sequence') {
      this.#count((level.children += 1));
      if (this.#levels.length === 1) this.#visitor.item?.(level.tag);
      this.#enter('item', level.tag, end, level.encoding);
      return;
    }
    if (end === Infinity) throw fault.notAFragment();
    this.#skipValue(length);
  }

  #element(head: ElementHead, level: Level | undefined, encoding: Encoding): void {
    const { tag, vr } = head;
    this.#count(level === undefined ? (this.#topElements += 1) : (level.children += 1));
    const length = head.length === UNDEFINED_LENGTH ? Infinity : head.length;
    const end = this.#at + length;
    if (length !== Infinity && end > (level?.end ?? Infinity)) throw fault.tooLong();
    const element = { tag, vr, length, end };
    const isWanted = level === undefined ? this.#visitor.element(element) : this.#wantsNested(element, level);
    if (length === Infinity) this.#enterUndefinedLength(element, encoding);
    else if (vr === 'SQ') this.#enter('sequence', tag, end, encoding);
    else if (this.#visitor.isSequence?.(element) === true) this.#enter('sequence', tag, end, IMPLICIT_LITTLE);
    else if (!isWanted) this.#skipValue(length);
    else this.#awaitValue(element, level !== undefined);
  }

  #wantsNested({ tag, length }: VisitedElement, { tag: sequence }: Level): boolean {
    return (
      length <= LONGEST_NESTED && this.#visitor.nested?.(tag, sequence, this.#levels.length === 2) === true
    );
  }

  #deliver(element: VisitedElement, isNested: boolean, bytes: Buffer): void {
    if (isNested) this.#visitor.nestedValue?.(element, bytes);
    else this.#visitor.value(element, bytes);
  }

  /** Checks that the padding contains only zeros. Some writers pad a file with zeros to a round length. */
  #pad(bytes: Buffer): void {
    this.#padded += bytes.length;
    if (this.#padded > LONGEST_PADDING || bytes.some((byte) => byte !== 0))
      throw new DicomUnreadable('structure', 'bytes other than padding follow the data set');
  }

  #enterUndefinedLength(element: VisitedElement, encoding: Encoding): void {
    const content = undefinedLengthContent(element);
    const kind = content === 'fragments' ? 'fragments' : 'sequence';
    this.#enter(kind, element.tag, Infinity, content === 'implicit-items' ? IMPLICIT_LITTLE : encoding);
  }

  #enter(kind: Level['kind'], tag: number, end: number, encoding: Encoding): void {
    if (this.#levels.length >= this.#maxLevels) throw fault.tooDeep();
    this.#levels.push({ tag, kind, end, encoding, children: 0 });
  }

  /** Counts the n-th child of a data set or sequence: n² exceeds (n − 1)² by 2n − 1. */
  #count(children: number): void {
    this.#squares += 2 * children - 1;
    if (this.#squares > this.#mostSquares) throw fault.tooMany();
  }

  /** Leaves the levels that end where the next head starts. */
  #leaveLevels(): void {
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
      if (this.#at > level.end) throw fault.tooLong();
      if (this.#at < level.end) return;
      this.#levels.pop();
    }
  }

  #awaitValue(element: VisitedElement, isNested: boolean): void {
    this.#at += element.length;
    if (element.length === 0) this.#deliver(element, isNested, Buffer.alloc(0));
    else this.#value = { element, isNested, pieces: [], missing: element.length };
  }

  #skipValue(length: number): void {
    this.#at += length;
    this.#skip = length;
  }
}
