import { trimEndPadding } from './padding.js';
import { HeaderBytes } from './header/header.bytes.js';
import { EXPLICIT_LITTLE, MAX_STORED_DEPTH, PIXEL_DATA } from './element.decoder.js';
import { ElementReader } from './header/element.reader.js';
import type { ElementVisitor, VisitedElement } from './header/element.visitor.js';
import { readMeta } from './file.meta.js';
import { DicomUnreadable } from './dicom.unreadable.js';

/**
 * The layout of native pixel data in a file (PS3.5 §8.2). The frames follow each other without gaps. The pixel data is padded to an even
 * length.
 */
export interface PixelLayout {
  readonly frames: number;
  readonly frameBits: number;
  /** Bytes of the pixel data with its padding. */
  readonly length: number;
}

/**
 * The layout of the pixel data and its first bytes. `ahead`: the bytes of pixel data that were already read. The source delivers the
 * remaining bytes.
 */
export interface PixelStart {
  readonly layout: PixelLayout;
  readonly ahead: Buffer;
}

/** Bits per pixel of floating point pixel data, by tag (PS3.3 §C.7.6.24, §C.7.6.25). */
const FLOATING: ReadonlyMap<number, number> = new Map([
  [0x7fe00008, 32],
  [0x7fe00009, 64],
]);
const SAMPLES = 0x00280002;
const PHOTOMETRIC = 0x00280004;
const FRAMES = 0x00280008;
const ROWS = 0x00280010;
const COLUMNS = 0x00280011;
const BITS = 0x00280100;
const WANTED = new Set([SAMPLES, PHOTOMETRIC, FRAMES, ROWS, COLUMNS, BITS]);
const LONGEST_HEADER = 64 * 1024 * 1024;

/**
 * Reads an Explicit VR Little Endian file (PS3.10 §7) up to its first pixel. Throws `DicomUnreadable` when there is no native pixel data,
 * or when its length does not match the frames.
 */
export async function findPixels(source: AsyncIterator<Buffer>): Promise<PixelStart> {
  const start = new HeaderBytes(source, LONGEST_HEADER);
  const { datasetOffset } = await readMeta(start);
  const finder = new Finder();
  const reader = new ElementReader(EXPLICIT_LITTLE, MAX_STORED_DEPTH, finder);
  let chunk = start.bytes.subarray(datasetOffset);
  let read = chunk.length;
  reader.feed(chunk);
  while (finder.pixels === undefined) {
    const { done, value } = await source.next();
    if (done === true) throw new DicomUnreadable('structure', 'no native pixel data');
    chunk = value;
    read += chunk.length;
    reader.feed(chunk);
  }
  const { tag, length, end } = finder.pixels;
  return { layout: finder.layout(tag, length), ahead: chunk.subarray(end - length - (read - chunk.length)) };
}

/** Collects the attributes that determine the layout. */
class Finder implements ElementVisitor {
  pixels: VisitedElement | undefined;
  private readonly values = new Map<number, Buffer>();

  element(element: VisitedElement): boolean {
    const isPixels = element.tag === PIXEL_DATA || FLOATING.has(element.tag);
    if (isPixels && element.length !== Infinity) this.pixels ??= element;
    return WANTED.has(element.tag) && element.length <= 64;
  }

  value({ tag }: VisitedElement, bytes: Buffer): void {
    this.values.set(tag, bytes);
  }

  layout(pixels: number, length: number): PixelLayout {
    const number = (tag: number) => {
      const bytes = this.values.get(tag);
      return bytes?.length === 2 ? bytes.readUInt16LE(0) : 0;
    };
    const frames = Math.max(Number.parseInt(this.text(FRAMES), 10) || 1, 1);
    // In 4:2:2 formats, two pixels share their chrominance samples, so there are two samples per pixel (PS3.3 §C.7.6.3.1.2).
    const samples = this.text(PHOTOMETRIC).endsWith('_422') ? 2 : number(SAMPLES);
    const frameBits = number(ROWS) * number(COLUMNS) * samples * (FLOATING.get(pixels) ?? number(BITS));
    const needed = Math.ceil((frameBits * frames) / 8);
    if (frameBits === 0 || (length !== needed && length !== needed + 1))
      throw new DicomUnreadable('length', 'the pixel data is not as long as its frames');
    return { frames, frameBits, length };
  }

  private text(tag: number): string {
    return trimEndPadding(this.values.get(tag)?.toString('latin1') ?? '');
  }
}
