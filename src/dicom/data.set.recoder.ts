import type { DataSetBytes } from './data.set.bytes.js';
import {
  type ElementHead,
  type Encoding,
  fault,
  IMPLICIT_LITTLE,
  isDelimiter,
  isShortForm,
  ITEM,
  ITEM_END,
  MAX_READ_DEPTH,
  PIXEL_DATA,
  SEQUENCE_END,
  UNDEFINED_LENGTH,
} from './element.decoder.js';

/** Returns the VR of an element that is encoded without a VR. `isSigned`: whether the pixels of the data set are signed (PS3.5 §A.1). */
export type RepresentationOf = (tag: number, isSigned: boolean) => string;

/**
 * One re-encoded element of the top level. The caller must read all its pieces before the next element. Compressed pixel data has no
 * pieces.
 */
export interface RecodedElement {
  readonly tag: number;
  /** Length of the original value. */
  readonly length: number;
  readonly pieces: AsyncGenerator<Buffer> | undefined;
}

const PIXEL_REPRESENTATION = 0x00280103;
const LENGTH_TO_END = 0x00080001;
/** Size of one number in bytes, by VR. A conversion from big to little endian reverses these bytes (PS3.5 §7.3). */
export const SWAPPED_WIDTHS: ReadonlyMap<string, number> = new Map([
  ...['AT', 'OW', 'SS', 'US'].map((vr) => [vr, 2] as const),
  ...['FL', 'OF', 'OL', 'SL', 'UL'].map((vr) => [vr, 4] as const),
  ...['FD', 'OD', 'OV', 'SV', 'UV'].map((vr) => [vr, 8] as const),
]);

/** How the elements at the current position are read and written. */
interface Context {
  readonly from: Encoding;
  readonly to: Encoding;
  readonly depth: number;
  isSigned: boolean;
}

/**
 * Writes the elements of a data set in another little endian encoding (PS3.5 §7.1, §A). Values do not change, except for their byte order.
 * Converted sequences have undefined lengths. Group lengths are left out, because they are retired and would be wrong. Throws
 * `DicomUnreadable` when the bytes are not a data set, or when compressed pixel data is inside a sequence.
 */
export class Recoder {
  readonly #bytes: DataSetBytes;
  readonly #representationOf: RepresentationOf;

  constructor(bytes: DataSetBytes, representationOf: RepresentationOf) {
    this.#bytes = bytes;
    this.#representationOf = representationOf;
  }

  /** The elements of the top level. The fragments of compressed pixel data are skipped. */
  async *elements(from: Encoding, to: Encoding): AsyncGenerator<RecodedElement> {
    const context: Context = { from, to, depth: 0, isSigned: false };
    for (
      let head = await this.#bytes.head(from, true);
      head !== undefined;
      head = await this.#bytes.head(from, true)
    ) {
      if (isDelimiter(head.tag)) throw fault.misplacedDelimiter();
      const { tag, length } = head;
      if (tag === PIXEL_DATA && length === UNDEFINED_LENGTH) {
        await this.#bytes.skipFragments(from);
        yield { tag, length, pieces: undefined };
      } else yield { tag, length, pieces: this.#element(head, context) };
    }
  }

  async *#dataSet(end: number, context: Context): AsyncGenerator<Buffer> {
    while (this.#bytes.at < end) {
      const head = await this.#bytes.head(context.from, false);
      if (head?.tag === ITEM_END && end === Infinity) return;
      if (head === undefined || isDelimiter(head.tag)) throw fault.misplacedDelimiter();
      yield* this.#element(head, context);
    }
    if (this.#bytes.at > end) throw fault.tooLong();
  }

  async *#element(head: ElementHead, context: Context): AsyncGenerator<Buffer> {
    const { tag, length } = head;
    const { from, to } = context;
    if (tag % 0x10000 === 0 || tag === LENGTH_TO_END) return await this.#bytes.skip(length);
    const vr = from.implicit ? this.#representationOf(tag, context.isSigned) : head.vr;
    if (length === UNDEFINED_LENGTH) {
      if (tag === PIXEL_DATA || (!from.implicit && vr !== 'SQ' && vr !== 'UN')) throw fault.undefinedLength();
      // The items of an element with VR UN are in Implicit VR Little Endian. They are written in the same encoding (PS3.5 §6.2.2).
      const isUnknown = !from.implicit && vr === 'UN';
      yield encodeHead(tag, isUnknown ? 'UN' : 'SQ', length, to);
      yield* this.#items(
        Infinity,
        isUnknown ? { ...context, from: IMPLICIT_LITTLE, to: IMPLICIT_LITTLE } : context,
      );
      return;
    }
    if (vr === 'SQ' && !areSame(from, to)) {
      yield encodeHead(tag, vr, UNDEFINED_LENGTH, to);
      yield* this.#items(this.#bytes.at + length, context);
      return;
    }
    // A value that is too long for the short form is written as UN (PS3.5 §6.2.2).
    const written = from.implicit && isShortForm(vr) && length > 0xffff ? 'UN' : vr;
    yield encodeHead(tag, written, length, to);
    if (tag === PIXEL_REPRESENTATION && length === 2) {
      const value = await this.#littleEndian(length, vr, from);
      context.isSigned = value.readUInt16LE(0) === 1;
      yield value;
    } else
      yield* from.big
        ? swapped(this.#bytes.pass(length), SWAPPED_WIDTHS.get(vr) ?? 1)
        : this.#bytes.pass(length);
  }

  async #littleEndian(length: number, vr: string, { big }: Encoding): Promise<Buffer> {
    const value = await this.#bytes.take(length);
    return big && SWAPPED_WIDTHS.get(vr) === 2 ? Buffer.from(value).swap16() : value;
  }

  async *#items(end: number, context: Context): AsyncGenerator<Buffer> {
    if (context.depth === MAX_READ_DEPTH) throw fault.tooDeep();
    for (
      let itemEnd = await this.#bytes.item(context.from, end);
      itemEnd !== undefined;
      itemEnd = await this.#bytes.item(context.from, end)
    ) {
      yield headWithoutVr(ITEM, UNDEFINED_LENGTH);
      yield* this.#dataSet(itemEnd, { ...context, depth: context.depth + 1 });
      yield headWithoutVr(ITEM_END, 0);
    }
    yield headWithoutVr(SEQUENCE_END, 0);
  }
}

/** The head of an element in little endian. */
export function encodeHead(tag: number, vr: string, length: number, { implicit }: Encoding): Buffer {
  if (implicit) return headWithoutVr(tag, length);
  const isShort = isShortForm(vr);
  const head = Buffer.alloc(isShort ? 8 : 12);
  headWithoutVr(tag, 0).copy(head);
  head.write(vr, 4, 2, 'latin1');
  if (isShort) head.writeUInt16LE(length, 6);
  else head.writeUInt32LE(length, 8);
  return head;
}

function headWithoutVr(tag: number, length: number): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(tag >>> 16, 0);
  head.writeUInt16LE(tag & 0xffff, 2);
  head.writeUInt32LE(length, 4);
  return head;
}

/**
 * Converts numbers of `width` bytes from big to little endian, even if a number is split between two pieces. Bytes after the last whole
 * number do not change.
 */
export async function* swapped(pieces: AsyncIterable<Buffer>, width: number): AsyncGenerator<Buffer> {
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
