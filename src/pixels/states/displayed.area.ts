import type { Selection } from '../../dicom/selected.reader.js';
import type { SelectedValues } from '../../dicom/selected.values.js';
import { PixelsRefused } from '../pixels.refused.js';
import type { PictureSize, Viewport } from '../viewport.js';
import { appliesTo, REFERENCE, REFERENCED_IMAGES, type TargetImage } from './state.references.js';

/** A part of a picture or an image, in pixels. */
export interface Rectangle extends PictureSize {
  readonly left: number;
  readonly top: number;
}

/** How a part of an image becomes a picture: it is scaled, turned, and flipped from left to right, in this order. */
export interface Placement {
  /** The part of the image. It can end outside of the image. */
  readonly area: Rectangle;
  /** The part of the area that is inside the image. */
  readonly region: Rectangle;
  /** Where the region is in the picture before it is turned. */
  readonly target: Rectangle;
  /** The size of the picture before it is turned. */
  readonly size: PictureSize;
  /** Clockwise. */
  readonly degrees: 0 | 90 | 180 | 270;
  readonly isMirrored: boolean;
}

const AREAS = 0x0070005a;
const TOP_LEFT = 0x00700052;
const BOTTOM_RIGHT = 0x00700053;
const SIZE_MODE = 0x00700100;
const SPACING = 0x00700101;
const ASPECT_RATIO = 0x00700102;
const MAGNIFICATION = 0x00700103;
const FLIP = 0x00700041;
const ROTATION = 0x00700042;

/** The elements that {@link placementOf} and {@link areaAspect} read. */
export const AREA: Selection = new Map<number, 'value' | Selection>([
  [FLIP, 'value'],
  [ROTATION, 'value'],
  [
    AREAS,
    new Map<number, 'value' | Selection>([
      [REFERENCED_IMAGES, REFERENCE],
      ...[TOP_LEFT, BOTTOM_RIGHT, SIZE_MODE, SPACING, ASPECT_RATIO, MAGNIFICATION].map(
        (tag) => [tag, 'value'] as const,
      ),
    ]),
  ],
]);

/** The longest side of a picture that is larger than its image. */
const LONGEST_SIDE = 4096;
/** Limits of a ratio of pixel sides, and of a magnification. */
const LARGEST_RATIO = 32;

/** The height of a pixel divided by its width, by the displayed area of the state (PS3.3 §C.10.4). `undefined` if it does not say it. */
export function areaAspect(state: SelectedValues, target: TargetImage): number | undefined {
  const item = areaOf(state, target);
  const ratios = [SPACING, ASPECT_RATIO].map((tag) => {
    const [vertical = 0, horizontal = 0] = item?.decimals(tag) ?? [];
    return vertical / horizontal;
  });
  return ratios.find((ratio) => ratio >= 1 / LARGEST_RATIO && ratio <= LARGEST_RATIO);
}

/**
 * Places the displayed area and the spatial transformation of a state (PS3.3 §C.10.4, §C.10.6) in a picture. `aspect`: the height of a pixel
 * divided by its width. Without a viewport, a pixel of the image is one pixel of the picture along its shorter side, times the magnification
 * of the state. Returns `undefined` if the area is outside of the image. Throws `PixelsRefused` for an invalid area or rotation.
 */
export function placementOf(
  state: SelectedValues,
  target: TargetImage,
  image: PictureSize,
  aspect: number,
  viewport: Viewport | undefined,
): Placement | undefined {
  const degrees = degreesOf(state);
  const item = areaOf(state, target);
  const area = item === undefined ? { left: 0, top: 0, ...image } : rectangleOf(item);
  const region = common(area, { left: 0, top: 0, ...image });
  if (region === undefined) return undefined;
  const size = sizeOf(area, aspect, boxOf(image, area, aspect, degrees, viewport, item));
  const [across, down] = [size.width / area.width, size.height / area.height];
  const left = Math.round((region.left - area.left) * across);
  const top = Math.round((region.top - area.top) * down);
  const width = Math.max(1, Math.round((region.left + region.width - area.left) * across) - left);
  const height = Math.max(1, Math.round((region.top + region.height - area.top) * down) - top);
  const inside = { left: Math.min(left, size.width - 1), top: Math.min(top, size.height - 1) };
  const isMirrored = state.text(FLIP) === 'Y';
  return { area, region, target: { ...inside, width, height }, size, degrees, isMirrored };
}

function degreesOf(state: SelectedValues): Placement['degrees'] {
  const degrees = state.short(ROTATION) ?? 0;
  if (degrees === 0 || degrees === 90 || degrees === 180 || degrees === 270) return degrees;
  throw new PixelsRefused('the presentation state has an invalid rotation');
}

function areaOf(state: SelectedValues, target: TargetImage): SelectedValues | undefined {
  return state.items(AREAS).find((item) => appliesTo(item, target));
}

/** The corners are named as they are displayed, so the first one can be on the right or below. */
function rectangleOf(item: SelectedValues): Rectangle {
  const [left = Number.NaN, top = Number.NaN] = item.longs(TOP_LEFT);
  const [right = Number.NaN, bottom = Number.NaN] = item.longs(BOTTOM_RIGHT);
  if (Number.isNaN(left + top + right + bottom))
    throw new PixelsRefused('the presentation state has an invalid displayed area');
  return {
    left: Math.min(left, right) - 1,
    top: Math.min(top, bottom) - 1,
    width: Math.abs(right - left) + 1,
    height: Math.abs(bottom - top) + 1,
  };
}

/** The common part of two rectangles. */
function common(one: Rectangle, other: Rectangle): Rectangle | undefined {
  const [left, top] = [Math.max(one.left, other.left), Math.max(one.top, other.top)];
  const width = Math.min(one.left + one.width, other.left + other.width) - left;
  const height = Math.min(one.top + one.height, other.top + other.height) - top;
  return width > 0 && height > 0 ? { left, top, width, height } : undefined;
}

/** The box into which the picture is fitted before it is turned. */
function boxOf(
  image: PictureSize,
  area: Rectangle,
  aspect: number,
  degrees: number,
  viewport: Viewport | undefined,
  item: SelectedValues | undefined,
): PictureSize {
  const [width, height] = [viewport?.width, viewport?.height];
  if (width !== undefined && height !== undefined)
    return degrees % 180 === 0 ? { width, height } : { width: height, height: width };
  const most = Math.max(LONGEST_SIDE, image.width, image.height);
  const factor = item?.text(SIZE_MODE) === 'MAGNIFY' ? magnificationOf(item) : 1;
  const across = Math.max(1, 1 / aspect) * factor;
  return {
    width: Math.min(most, area.width * across),
    height: Math.min(most, area.height * aspect * across),
  };
}

function magnificationOf(item: SelectedValues): number {
  const factor = item.float(MAGNIFICATION) ?? 1;
  return factor >= 1 / LARGEST_RATIO && factor <= LARGEST_RATIO ? factor : 1;
}

/** The largest size in the box with square pixels. */
function sizeOf(area: Rectangle, aspect: number, box: PictureSize): PictureSize {
  const scale = Math.min(box.width / area.width, box.height / (area.height * aspect));
  return {
    width: Math.max(1, Math.round(area.width * scale)),
    height: Math.max(1, Math.round(area.height * aspect * scale)),
  };
}
