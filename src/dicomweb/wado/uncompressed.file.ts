import { Readable } from 'node:stream';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { LONGEST_HEADER, type OpenedFile, openFile } from '../../dicom/data.set.bytes.js';
import {
  encodeHead,
  Recoder,
  type RecodedElement,
  type RepresentationOf,
} from '../../dicom/data.set.recoder.js';
import { fileBeginning } from '../../dicom/file.beginning.js';
import { type Encoding, EXPLICIT_LITTLE, IMPLICIT_LITTLE, PIXEL_DATA } from '../../dicom/element.decoder.js';
import { DicomUnreadable } from '../../dicom/dicom.unreadable.js';
import { implicitRepresentations } from '../../dicom/implicit.representations.js';
import { IMPLICIT_LITTLE_ENDIAN, type Uncompressed } from '../../dicom/transfer.syntaxes.js';

/** Extended Offset Table and its lengths (PS3.3 §C.7.6.3.1.8). They describe the stored fragments only. */
const OFFSET_TABLES = new Set([0x7fe00001, 0x7fe00002]);
/** Number of bytes that are prepared before the answer begins, so that an early failure can still have an error status. */
const PREPARED_BYTES = 1024 * 1024;

/** A stored file without its pixels, converted to the transfer syntax `into`. */
export interface PixelFreeFile {
  readonly into: string;
  readonly beginning: Buffer;
  /** The elements of the file in order, as pairs of tag and bytes. The pixel data has no bytes. */
  readonly elements: readonly NewElement[];
}

/**
 * Converts an uncompressed file to another transfer syntax. All values are copied as they are stored. The transcoder of the archive is not
 * used, because it adds and drops values. Throws `DicomUnreadable` when the file cannot be converted. When the returned stream is
 * destroyed, the stored stream is destroyed too.
 */
export async function recodedFile(stored: ArchiveBytes, into: Uncompressed): Promise<ArchiveBytes> {
  const representationOf = await implicitRepresentations();
  return prepared(nativeFile(stored.stream, into, representationOf), stored.stream);
}

async function* nativeFile(
  stored: Readable,
  into: Uncompressed,
  representationOf: RepresentationOf,
): AsyncGenerator<Buffer> {
  const file = await openFile(stored);
  try {
    yield fileBeginning(file.meta, into);
    for await (const { pieces } of elementsOf(file, into, representationOf)) {
      if (pieces === undefined) throw new DicomUnreadable('structure', 'compressed pixels');
      yield* pieces;
    }
  } finally {
    file.close();
  }
}

/** Reads a stored file to its end. The pixels and the offsets of compressed frames are not kept. Throws `DicomUnreadable`. */
export async function pixelFreeFile(stored: ArchiveBytes, into: string): Promise<PixelFreeFile> {
  const file = await openFile(stored.stream);
  try {
    const elements: NewElement[] = [];
    let size = 0;
    for await (const { tag, pieces = [] } of elementsOf(file, into, await implicitRepresentations())) {
      const isKept = tag !== PIXEL_DATA && !OFFSET_TABLES.has(tag);
      if (!isKept) for await (const _ of pieces);
      const bytes = isKept ? await whole(pieces, LONGEST_HEADER - size) : Buffer.alloc(0);
      size += bytes.length;
      elements.push([tag, bytes]);
    }
    return { into, beginning: fileBeginning(file.meta, into), elements };
  } finally {
    file.close();
    stored.stream.on('error', () => undefined).destroy();
  }
}

/** An element as it is written: its tag and its bytes. */
export type NewElement = readonly [tag: number, bytes: Buffer];

/** An element of a converted file, as it is written. */
export function newElement(tag: number, vr: string, value: Buffer, into: string): NewElement {
  const encoding = into === IMPLICIT_LITTLE_ENDIAN ? IMPLICIT_LITTLE : EXPLICIT_LITTLE;
  return [tag, Buffer.concat([encodeHead(tag, vr, value.length, encoding), value])];
}

/**
 * Combines the stored file with pixels that the gateway decoded or compressed. `changed`: the elements that replace stored elements, in any order. It
 * contains the head of the pixel data, and `pixels` contains its value.
 */
export function withPixels(
  header: PixelFreeFile,
  changed: readonly NewElement[],
  pixels: Readable,
): Promise<ArchiveBytes> {
  return prepared(replaced(header, changed, pixels), pixels);
}

async function* replaced(
  { beginning, elements }: PixelFreeFile,
  changed: readonly NewElement[],
  pixels: Readable,
): AsyncGenerator<Buffer> {
  const tags = new Set(changed.map(([tag]) => tag));
  const all = [...elements.filter(([tag]) => !tags.has(tag)), ...changed];
  yield beginning;
  for (const [tag, bytes] of all.toSorted(([one], [other]) => one - other)) {
    yield bytes;
    if (tag !== PIXEL_DATA) continue;
    for await (const piece of pixels) if (Buffer.isBuffer(piece)) yield piece;
  }
}

function elementsOf(
  { dataSet, encoding }: OpenedFile,
  into: string,
  representationOf: RepresentationOf,
): AsyncGenerator<RecodedElement> {
  const to: Encoding = into === IMPLICIT_LITTLE_ENDIAN ? IMPLICIT_LITTLE : EXPLICIT_LITTLE;
  return new Recoder(dataSet, representationOf).elements(encoding, to);
}

async function whole(pieces: AsyncIterable<Buffer> | Iterable<Buffer>, atMost: number): Promise<Buffer> {
  const held: Buffer[] = [];
  let size = 0;
  for await (const piece of pieces) {
    held.push(piece);
    size += piece.length;
    if (size > atMost) throw new DicomUnreadable('too-large', 'the header is longer than allowed');
  }
  return Buffer.concat(held);
}

/** Waits for the first {@link PREPARED_BYTES} of a large file, or for the whole of a small file. */
export async function prepared(written: AsyncGenerator<Buffer>, source: Readable): Promise<ArchiveBytes> {
  const close = () => source.on('error', () => undefined).destroy();
  const held: Buffer[] = [];
  let size = 0;
  try {
    while (size < PREPARED_BYTES) {
      const { done, value } = await written.next();
      if (done === true) {
        close();
        return { length: size, stream: Readable.from([Buffer.concat(held)], { objectMode: false }) };
      }
      held.push(value);
      size += value.length;
    }
  } catch (error) {
    close();
    throw error;
  }
  const stream = Readable.from(after(Buffer.concat(held), written), { objectMode: false });
  stream.once('close', close);
  return { length: undefined, stream };
}

async function* after(beginning: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield beginning;
  yield* rest;
}
