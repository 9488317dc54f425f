import type { Selection } from '../../dicom/selected.reader.js';
import type { SelectedValues } from '../../dicom/selected.values.js';
import type { PixelFormat } from '../pixel.format.js';

/** Rows and columns of an image or of an overlay. */
interface Size {
  readonly rows: number;
  readonly columns: number;
}

/**
 * An overlay plane of one frame (PS3.3 §C.9.2). `top` and `left`: the offset of its first pixel from the first pixel of the image; they can be
 * negative. `bits`: one bit for each pixel, from the lowest bit of each byte, beginning at `firstBit`. Without `bits`, the bit `embedded` of
 * each stored word is the overlay.
 */
export interface OverlayPlane extends Size {
  readonly top: number;
  readonly left: number;
  readonly bits?: Uint8Array;
  readonly firstBit: number;
  readonly embedded?: number;
}

/** The groups of overlay planes: 6000 to 601E. */
export const OVERLAY_GROUPS = Array.from({ length: 16 }, (_, index) => 0x60000000 + index * 0x20000);

/** The elements of an overlay group. Each number is added to the tag of the group. */
const ROWS = 0x0010;
const COLUMNS = 0x0011;
const FRAMES = 0x0015;
const ORIGIN = 0x0050;
const FIRST_FRAME = 0x0051;
const ALLOCATED = 0x0100;
const POSITION = 0x0102;
const DATA = 0x3000;

/** The elements that {@link overlaysOf} reads. */
export const OVERLAYS: Selection = new Map(
  OVERLAY_GROUPS.flatMap((group) =>
    [ROWS, COLUMNS, FRAMES, ORIGIN, FIRST_FRAME, ALLOCATED, POSITION, DATA].map(
      (element) => [group + element, 'value'] as const,
    ),
  ),
);

/**
 * The overlay planes of a frame (counted from 1), graphics and regions of interest alike. An overlay that contradicts itself or is too short
 * is left out, because the image below it is still right. `mayBeEmbedded`: whether the stored words are available.
 */
export function overlaysOf(
  values: SelectedValues,
  format: PixelFormat,
  frame: number,
  mayBeEmbedded: boolean,
): readonly OverlayPlane[] {
  return OVERLAY_GROUPS.flatMap((group) => {
    const plane = values.has(group + DATA)
      ? separatePlane(values, group, frame)
      : mayBeEmbedded && embeddedPlane(values, group, format);
    return plane === undefined || plane === false ? [] : [plane];
  });
}

/** The plane of one group whose bits are in Overlay Data. `undefined` if the group has no usable plane for the frame. */
export function separatePlane(
  values: SelectedValues,
  group: number,
  frame: number,
): OverlayPlane | undefined {
  const [rows = 0, columns = 0] = [values.short(group + ROWS), values.short(group + COLUMNS)];
  const index = indexOf(values, group, frame);
  const data = values.bytes(group + DATA);
  const size = rows * columns;
  if (size === 0 || index === undefined || (index + 1) * size > data.length * 8) return undefined;
  const [row = 1, column = 1] = values.shorts(group + ORIGIN, true);
  const from = Math.floor((index * size) / 8);
  // The copy moves to a worker without the bytes of other frames.
  const bits = Uint8Array.from(data.subarray(from, Math.ceil(((index + 1) * size) / 8)));
  return { rows, columns, top: row - 1, left: column - 1, bits, firstBit: (index * size) % 8 };
}

/**
 * The index of the overlay frame that belongs to a frame of the image. An overlay without Number of Frames in Overlay and without Image Frame
 * Origin belongs to all frames.
 */
function indexOf(values: SelectedValues, group: number, frame: number): number | undefined {
  if (!values.has(group + FRAMES) && !values.has(group + FIRST_FRAME)) return 0;
  const index = frame - (values.short(group + FIRST_FRAME) ?? 1);
  return index >= 0 && index < (values.decimal(group + FRAMES) ?? 1) ? index : undefined;
}

/** The plane in a bit of the stored words that is not part of the pixel value (retired in PS3.3). */
function embeddedPlane(values: SelectedValues, group: number, format: PixelFormat): OverlayPlane | undefined {
  const { rows, columns, bitsAllocated, bitsStored, highBit, numbers } = format;
  const position = values.short(group + POSITION);
  const isAside = position !== undefined && (position > highBit || position <= highBit - bitsStored);
  const isPart = values.short(group + ALLOCATED) === bitsAllocated && isAside && position < bitsAllocated;
  if (!isPart || numbers !== 'integer' || !values.has(group + ROWS)) return undefined;
  return { rows, columns, top: 0, left: 0, firstBit: 0, embedded: position };
}
