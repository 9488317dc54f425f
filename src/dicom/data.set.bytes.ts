import { pipeline, Readable } from 'node:stream';
import { createInflateRaw, type InflateRaw } from 'node:zlib';
import { isShortForm } from './element.head.js';
import { type Encoding } from './element.head.js';
import { HeaderBytes } from './header/header.bytes.js';
import { DEFLATED, readMeta } from './file.meta.js';
import { DicomUnreadable } from './dicom.unreadable.js';

export const ITEM = 0xfffee000;
export const ITEM_END = 0xfffee00d;
export const SEQUENCE_END = 0xfffee0dd;
export const UNDEFINED_LENGTH = 0xffffffff;
export const PIXEL_DATA = 0x7fe00010;
export const EXPLICIT_LITTLE: Encoding = { implicit: false, big: false };
export const IMPLICIT_LITTLE: Encoding = { implicit: true, big: false };
const ENCODINGS: ReadonlyMap<string, Encoding> = new Map([
  ['1.2.840.10008.1.2', IMPLICIT_LITTLE],
  ['1.2.840.10008.1.2.2', { implicit: false, big: true }],
]);
/** Of an element: tag, value representation, reserved bytes and length (PS3.5 §7.1.2). */
const LONGEST_HEAD = 12;
/** What stands before the pixels of one instance, and any value that is held, at most. */
export const LONGEST_HEADER = 16 * 1024 * 1024;

/** Bytes one piece after the other; where `skip` is there, it leaves out so many of those that follow, past the end too. */
export interface ByteSource extends AsyncIterator<Buffer> {
  readonly skip?: (bytes: number) => void;
}

/** What a {@link ByteSource} is had from, once. */
export interface SourceOfBytes {
  [Symbol.asyncIterator](): ByteSource;
}

/** An element, item or delimiter as its header says it: the VR is empty in implicit VR and of items. */
export interface ElementHead {
  readonly tag: number;
  readonly vr: string;
  readonly length: number;
}

/** A DICOM file (PS3.10 §7) taken apart: its file meta information after the prefix, and its data set, inflated where it was deflated. */
export interface OpenedFile {
  readonly meta: Buffer;
  readonly transferSyntax: string;
  readonly encoding: Encoding;
  readonly dataSet: DataSetBytes;
  /** Frees what reading holds; the file's own stream is its owner's. */
  readonly close: () => void;
}

/** Reads the file meta information; throws `DicomUnreadable` when the bytes are no DICOM file. */
export async function openFile(file: SourceOfBytes): Promise<OpenedFile> {
  const source = file[Symbol.asyncIterator]();
  const start = new HeaderBytes(source, LONGEST_HEADER);
  const { transferSyntax, datasetOffset } = await readMeta(start);
  const ahead = start.bytes.subarray(datasetOffset);
  const encoding = ENCODINGS.get(transferSyntax) ?? EXPLICIT_LITTLE;
  const said = { meta: start.bytes.subarray(132, datasetOffset), transferSyntax, encoding };
  if (transferSyntax !== DEFLATED)
    return { ...said, dataSet: new DataSetBytes(source, ahead), close: () => undefined };
  const inflate = createInflateRaw();
  pipeline(Readable.from(chained(ahead, source), { objectMode: false }), inflate, () => undefined);
  const dataSet = new DataSetBytes(inflated(inflate), Buffer.alloc(0));
  return { ...said, dataSet, close: () => inflate.destroy() };
}

async function* inflated(inflate: InflateRaw): AsyncGenerator<Buffer> {
  try {
    for await (const piece of inflate) if (Buffer.isBuffer(piece)) yield piece;
  } catch (error) {
    // What its source failed with comes out here as well.
    const isOwn = error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
    throw isOwn ? new DicomUnreadable('deflate', 'the data set is not deflated') : error;
  }
}

async function* chained(ahead: Buffer, source: ByteSource): AsyncGenerator<Buffer> {
  yield ahead;
  for (let next = await source.next(); next.done !== true; next = await source.next()) yield next.value;
}

/** The bytes of a data set as they come, element by element; holds one value at most. */
export class DataSetBytes {
  #held: Buffer;
  #at = 0;
  readonly #source: ByteSource;

  constructor(source: ByteSource, held: Buffer) {
    this.#source = source;
    this.#held = held;
  }

  /** Bytes taken so far. */
  get at(): number {
    return this.#at;
  }

  /** The next header; `undefined` where the top level ends: with the file, or with zeros that fill it up. */
  async head({ implicit, big }: Encoding, isTop: boolean): Promise<ElementHead | undefined> {
    if (this.#held.length < LONGEST_HEAD && isTop && !(await this.#reach(1))) return undefined;
    const first = this.#held.length < LONGEST_HEAD ? await this.take(8) : this.#cut(8);
    const group = big ? first.readUInt16BE(0) : first.readUInt16LE(0);
    const tag = group * 0x10000 + (big ? first.readUInt16BE(2) : first.readUInt16LE(2));
    if (isTop && tag === 0 && first.every((byte) => byte === 0)) return undefined;
    const long = big ? first.readUInt32BE(4) : first.readUInt32LE(4);
    if (implicit || group === 0xfffe) return { tag, vr: '', length: long };
    const vr = first.toString('latin1', 4, 6);
    if (isShortForm(vr)) return { tag, vr, length: big ? first.readUInt16BE(6) : first.readUInt16LE(6) };
    if (!/^[A-Z]{2}$/.test(vr)) throw new DicomUnreadable('structure', 'a value representation is not one');
    const last = this.#held.length < 4 ? await this.take(4) : this.#cut(4);
    return { tag, vr, length: big ? last.readUInt32BE(0) : last.readUInt32LE(0) };
  }

  /** So many bytes in one piece; throws `DicomUnreadable` when there are fewer. */
  async take(length: number): Promise<Buffer> {
    if (length > LONGEST_HEADER) throw new DicomUnreadable('too-large', 'a value is longer than allowed');
    if (this.#held.length < length && !(await this.#reach(length))) throw truncated();
    return this.#cut(length);
  }

  /** So many bytes as they come. */
  async *pass(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0;) {
      if (!(await this.#reach(1))) throw truncated();
      const piece = this.#cut(Math.min(left, this.#held.length));
      left -= piece.length;
      yield piece;
    }
  }

  /** Goes over so many bytes; a source that can skip is not read for them, so that an end of the file within them is not noticed. */
  async skip(length: number): Promise<void> {
    const left = length - this.#cut(Math.min(length, this.#held.length)).length;
    if (left === 0) return;
    if (this.#source.skip === undefined) {
      for await (const _ of this.pass(left));
      return;
    }
    this.#source.skip(left);
    this.#at += left;
  }

  /** Goes over the fragments of compressed pixels up to their end (PS3.5 §A.4); throws `DicomUnreadable`. */
  async skipFragments(encoding: Encoding): Promise<void> {
    for (;;) {
      const head = await this.head(encoding, false);
      if (head?.tag === SEQUENCE_END) return;
      if (head?.tag !== ITEM || head.length === UNDEFINED_LENGTH)
        throw new DicomUnreadable('structure', 'compressed pixels hold something else than fragments');
      await this.skip(head.length);
    }
  }

  #cut(length: number): Buffer {
    const piece = this.#held.subarray(0, length);
    this.#held = this.#held.subarray(length);
    this.#at += piece.length;
    return piece;
  }

  async #reach(length: number): Promise<boolean> {
    if (this.#held.length >= length) return true;
    const pieces = [this.#held];
    let size = this.#held.length;
    while (size < length) {
      const { done, value } = await this.#source.next();
      if (done === true) break;
      pieces.push(value);
      size += value.length;
    }
    this.#held = Buffer.concat(pieces);
    return size >= length;
  }
}

function truncated(): DicomUnreadable {
  return new DicomUnreadable('truncated', 'the file ends inside its data set');
}
