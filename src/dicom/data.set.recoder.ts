import {
  type DataSetBytes,
  type ElementHead,
  IMPLICIT_LITTLE,
  ITEM,
  ITEM_END,
  PIXEL_DATA,
  SEQUENCE_END,
  UNDEFINED_LENGTH,
} from './data.set.bytes.js';
import { isShortForm } from './element.head.js';
import { type Encoding } from './element.head.js';
import { DicomUnreadable } from './dicom.unreadable.js';

/** The value representation of an element that is written without one; `isSigned`: pixels of its data set are (PS3.5 §A.1). */
export type RepresentationOf = (tag: number, isSigned: boolean) => string;

/** One element of the top level, newly written: its pieces must be read to their end before the next is asked for; compressed pixels have none. */
export interface RecodedElement {
  readonly tag: number;
  /** Of its value as it was written. */
  readonly length: number;
  readonly pieces: AsyncGenerator<Buffer> | undefined;
}

const PIXEL_REPRESENTATION = 0x00280103;
const LENGTH_TO_END = 0x00080001;
/** Sequences inside one another. */
const DEPTH = 64;
/** Bytes that are turned around together from big to little endian (PS3.5 §7.3). */
export const SWAPPED_WIDTHS: ReadonlyMap<string, number> = new Map([
  ...['AT', 'OW', 'SS', 'US'].map((vr) => [vr, 2] as const),
  ...['FL', 'OF', 'OL', 'SL', 'UL'].map((vr) => [vr, 4] as const),
  ...['FD', 'OD', 'OV', 'SV', 'UV'].map((vr) => [vr, 8] as const),
]);

/** A data set being read: what it is written in, and what of it says how the rest is read. */
interface Place {
  readonly from: Encoding;
  readonly to: Encoding;
  readonly depth: number;
  isSigned: boolean;
}

/**
 * Writes the elements of a data set in another little endian encoding (PS3.5 §7.1, §A): every value stays as it is. Sequences get undefined lengths;
 * the lengths of groups, retired and wrong from then on, are left out. Throws `DicomUnreadable` when the bytes are no data set, or hold compressed pixels
 * anywhere but at the top.
 */
export class Recoder {
  readonly #bytes: DataSetBytes;
  readonly #representationOf: RepresentationOf;

  constructor(bytes: DataSetBytes, representationOf: RepresentationOf) {
    this.#bytes = bytes;
    this.#representationOf = representationOf;
  }

  /** The top level; the fragments of compressed pixels are gone over. */
  async *elements(from: Encoding, to: Encoding): AsyncGenerator<RecodedElement> {
    const place: Place = { from, to, depth: 0, isSigned: false };
    for (
      let head = await this.#bytes.head(from, true);
      head !== undefined;
      head = await this.#bytes.head(from, true)
    ) {
      if (head.tag >>> 16 === 0xfffe)
        throw new DicomUnreadable('structure', 'a delimiter that does not belong');
      const { tag, length } = head;
      if (tag === PIXEL_DATA && length === UNDEFINED_LENGTH) {
        await this.#bytes.skipFragments(from);
        yield { tag, length, pieces: undefined };
      } else yield { tag, length, pieces: this.#element(head, place) };
    }
  }

  async *#dataSet(end: number, place: Place): AsyncGenerator<Buffer> {
    while (this.#bytes.at < end) {
      const head = await this.#bytes.head(place.from, false);
      if (head?.tag === ITEM_END && end === Infinity) return;
      if (head === undefined || head.tag >>> 16 === 0xfffe)
        throw new DicomUnreadable('structure', 'a delimiter that does not belong');
      yield* this.#element(head, place);
    }
    if (this.#bytes.at > end) throw tooLong();
  }

  async *#element(head: ElementHead, place: Place): AsyncGenerator<Buffer> {
    const { tag, length } = head;
    const { from, to } = place;
    if (tag % 0x10000 === 0 || tag === LENGTH_TO_END) return await this.#bytes.skip(length);
    const vr = from.implicit ? this.#representationOf(tag, place.isSigned) : head.vr;
    if (length === UNDEFINED_LENGTH) {
      if (tag === PIXEL_DATA || (!from.implicit && vr !== 'SQ' && vr !== 'UN'))
        throw new DicomUnreadable('length', 'an undefined length where none may be');
      // Written UN its items are implicit and stay so (PS3.5 §6.2.2).
      const isOpaque = !from.implicit && vr === 'UN';
      yield headOf(tag, isOpaque ? 'UN' : 'SQ', length, to);
      yield* this.#items(
        Infinity,
        isOpaque ? { ...place, from: IMPLICIT_LITTLE, to: IMPLICIT_LITTLE } : place,
      );
      return;
    }
    if (vr === 'SQ' && !areSame(from, to)) {
      yield headOf(tag, vr, UNDEFINED_LENGTH, to);
      yield* this.#items(this.#bytes.at + length, place);
      return;
    }
    // A value too long for the short form has no other name (PS3.5 §6.2.2).
    const written = from.implicit && isShortForm(vr) && length > 0xffff ? 'UN' : vr;
    yield headOf(tag, written, length, to);
    if (tag === PIXEL_REPRESENTATION && length === 2) {
      const value = await this.#littleEndian(length, vr, from);
      place.isSigned = value.readUInt16LE(0) === 1;
      yield value;
    } else
      yield* from.big
        ? turned(this.#bytes.pass(length), SWAPPED_WIDTHS.get(vr) ?? 1)
        : this.#bytes.pass(length);
  }

  async #littleEndian(length: number, vr: string, { big }: Encoding): Promise<Buffer> {
    const value = await this.#bytes.take(length);
    return big && SWAPPED_WIDTHS.get(vr) === 2 ? Buffer.from(value).swap16() : value;
  }

  async *#items(end: number, place: Place): AsyncGenerator<Buffer> {
    if (place.depth === DEPTH) throw new DicomUnreadable('too-deep', 'sequences nested too deep');
    while (this.#bytes.at < end) {
      const head = await this.#bytes.head(place.from, false);
      if (head?.tag === SEQUENCE_END && end === Infinity) break;
      if (head?.tag !== ITEM)
        throw new DicomUnreadable('structure', 'a sequence holds something else than items');
      const itemEnd = head.length === UNDEFINED_LENGTH ? Infinity : this.#bytes.at + head.length;
      if (itemEnd > end && itemEnd !== Infinity) throw tooLong();
      yield bare(ITEM, UNDEFINED_LENGTH);
      yield* this.#dataSet(itemEnd, { ...place, depth: place.depth + 1 });
      yield bare(ITEM_END, 0);
    }
    if (this.#bytes.at > end) throw tooLong();
    yield bare(SEQUENCE_END, 0);
  }
}

/** An element's header in little endian. */
export function headOf(tag: number, vr: string, length: number, { implicit }: Encoding): Buffer {
  if (implicit) return bare(tag, length);
  const isShort = isShortForm(vr);
  const head = Buffer.alloc(isShort ? 8 : 12);
  bare(tag, 0).copy(head);
  head.write(vr, 4, 2, 'latin1');
  if (isShort) head.writeUInt16LE(length, 6);
  else head.writeUInt32LE(length, 8);
  return head;
}

function bare(tag: number, length: number): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(tag >>> 16, 0);
  head.writeUInt16LE(tag & 0xffff, 2);
  head.writeUInt32LE(length, 4);
  return head;
}

/** Values of so many bytes each from big to little endian, wherever the pieces are cut; what is left over at the end stays as it is. */
export async function* turned(pieces: AsyncIterable<Buffer>, width: number): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of pieces) {
    const whole = rest.length === 0 ? Buffer.from(piece) : Buffer.concat([rest, piece]);
    const cut = whole.length - (whole.length % width);
    rest = whole.subarray(cut);
    const values = whole.subarray(0, cut);
    if (width === 2) values.swap16();
    else if (width === 4) values.swap32();
    else if (width === 8) values.swap64();
    yield values;
  }
  if (rest.length > 0) yield rest;
}

function areSame(one: Encoding, other: Encoding): boolean {
  return one.implicit === other.implicit && one.big === other.big;
}

function tooLong(): DicomUnreadable {
  return new DicomUnreadable('length', 'an element is longer than what holds it');
}
