import { openFile, type SourceOfBytes } from '../dicom/data.set.bytes.js';
import { SWAPPED_WIDTHS } from '../dicom/data.set.recoder.js';
import { PIXEL_DATA, UNDEFINED_LENGTH } from '../dicom/element.decoder.js';
import { DEFLATED, PREFIX_END } from '../dicom/file.meta.js';
import { implicitRepresentations } from '../dicom/implicit.representations.js';
import { codecOf } from '../dicom/transfer.syntaxes.js';
import { joinedSelections, readSelected, type Selection } from '../dicom/selected.reader.js';
import type { SelectedValues } from '../dicom/selected.values.js';
import {
  DOUBLE_PIXELS,
  FLOAT_PIXELS,
  FORMAT_TAGS,
  frameBits,
  type PixelFormat,
  pixelFormatOf,
} from './pixel.format.js';
import { DELAYS } from './frame.delays.js';
import { ASPECT } from './pixel.aspect.js';
import { PixelsRefused } from './pixels.refused.js';
import { PRESENTATION } from './presentation.js';

/**
 * Where the pixel data of a file is. `at`: the offset of its first byte or fragment, in the file, or in the inflated data set of a deflated
 * file. `length`: its length in bytes; Infinity if it is encapsulated.
 */
export interface PixelPlace {
  readonly at: number;
  readonly length: number;
  readonly isEncapsulated: boolean;
  readonly isDeflated: boolean;
  /** Size in bytes of a number in big endian. 1 in little endian. */
  readonly swappedWidth: number;
}

/** The part of the header of an image that is needed to decode and render its frames. */
export interface ImageHeader {
  readonly format: PixelFormat;
  readonly frames: number;
  readonly place: PixelPlace;
  /** The elements that `presentationOf` reads. */
  readonly values: SelectedValues;
  /** Estimated memory of the header in bytes. */
  readonly weight: number;
}

/** Largest part of a deflated data set that is inflated to reach the pixel data, in bytes. */
const MOST_INFLATED_HEADER = 64 * 1024 * 1024;
const NUMBER_OF_FRAMES = 0x00280008;
const PIXEL_ELEMENTS = new Set([FLOAT_PIXELS, DOUBLE_PIXELS, PIXEL_DATA]);
const NUMBERS = [...FORMAT_TAGS, NUMBER_OF_FRAMES].map((tag) => [tag, 'value'] as const);
const SELECTION = joinedSelections(PRESENTATION, ASPECT, DELAYS, new Map(NUMBERS));

/**
 * Reads the header of an image up to its pixel data, and checks it. Throws `DicomUnreadable` when the bytes are not a DICOM
 * file, and `PixelsRefused` when the pixel data contradicts the header or cannot be rendered.
 */
export async function readImageHeader(file: SourceOfBytes): Promise<ImageHeader> {
  const opened = await openFile(file, MOST_INFLATED_HEADER);
  try {
    const selected = await readSelected(opened, SELECTION, PIXEL_ELEMENTS, await implicitRepresentations());
    const { values, end, weight } = selected;
    if (end === undefined) throw new PixelsRefused('it has no pixel data');
    const codec = codecOf(opened.transferSyntax);
    const isEncapsulated = codec !== undefined;
    if ((end.length === UNDEFINED_LENGTH) !== isEncapsulated)
      throw new PixelsRefused('the transfer syntax contradicts the form of the pixel data');
    const length = isEncapsulated ? Infinity : end.length;
    const format = pixelFormatOf(values, end.tag, codec);
    const isDeflated = opened.transferSyntax === DEFLATED;
    const swappedWidth = opened.encoding.big ? (SWAPPED_WIDTHS.get(end.vr) ?? 1) : 1;
    // Writers use different byte orders for big endian pixels with more than 16 bits.
    if (opened.encoding.big && format.numbers === 'integer' && format.bitsAllocated > 16)
      throw new PixelsRefused('big endian pixels of more than 16 bits');
    const frames = Math.max(values.decimal(NUMBER_OF_FRAMES) ?? 1, 1);
    if ((frameBits(format) * frames) / 8 > length)
      throw new PixelsRefused('the pixel data is shorter than its frames');
    const start = isDeflated ? 0 : PREFIX_END + opened.meta.length;
    const place = { at: start + opened.dataSet.at, length, isEncapsulated, isDeflated, swappedWidth };
    return { format, frames, place, values, weight };
  } finally {
    opened.close();
  }
}

/**
 * Reads selected elements up to the pixel data. Elements after the pixel data are left out. Throws `DicomUnreadable` when the bytes are not a
 * DICOM file, or when the elements are too large.
 */
export async function readElements(
  file: SourceOfBytes,
  selection: Selection,
): Promise<Pick<ImageHeader, 'values' | 'weight'>> {
  const opened = await openFile(file, MOST_INFLATED_HEADER);
  try {
    return await readSelected(opened, selection, PIXEL_ELEMENTS, await implicitRepresentations());
  } finally {
    opened.close();
  }
}

/** The bytes of the pixel data that contain a frame: `from` is the offset in the pixel data. `firstBit`: see `wordsOfFrame`. */
export interface FrameBytes {
  readonly from: number;
  readonly length: number;
  readonly firstBit: number;
}

/** The bytes of a frame (counted from 1). Throws `PixelsRefused` when the image has no such frame. */
export function frameBytesOf({ format, frames }: ImageHeader, frame: number): FrameBytes {
  if (frame > frames) throw new PixelsRefused('it has fewer frames than the catalog says');
  const bits = frameBits(format);
  const from = Math.floor(((frame - 1) * bits) / 8);
  const firstBit = ((frame - 1) * bits) % 8;
  return { from, length: Math.ceil((firstBit + bits) / 8), firstBit };
}
