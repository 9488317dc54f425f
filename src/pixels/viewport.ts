/** The region of an image that a viewport shows, in pixels of the image. It can end between two pixels. */
export interface SourceRegion {
  readonly left: number;
  readonly top: number;
  /** Negative: the region is flipped from left to right. `undefined`: the region ends at the right edge of the image. */
  readonly width: number | undefined;
  /** Negative: the region is flipped from top to bottom. `undefined`: the region ends at the bottom edge of the image. */
  readonly height: number | undefined;
}

/** The region of an image that a picture shows, in parts of its width and height from 0 to 1 (PS3.18 §9.5.1.2.5). */
export interface PartialRegion {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/**
 * A viewport (PS3.18 §8.3.5.1.3): a box in pixels into which the picture is fitted. Without a box, each pixel of the image is one pixel of the
 * picture. Without `source` and `part`, the viewport shows the whole image.
 */
export interface Viewport {
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly source?: SourceRegion | undefined;
  readonly part?: PartialRegion | undefined;
}

/** The size of an image or a picture in pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** How an image becomes a picture: a region of whole pixels is scaled to a size, and flipped. */
export interface PictureGeometry {
  readonly region: PictureSize & { readonly left: number; readonly top: number };
  readonly size: PictureSize;
  /** Whether left and right change places. */
  readonly isMirrored: boolean;
  /** Whether top and bottom change places. */
  readonly isUpsideDown: boolean;
}

/**
 * Fits an image into a viewport. The picture is as large as possible in the viewport and has square pixels. `aspect`: the height of a pixel
 * of the image divided by its width. A region is extended to whole pixels, and cut at the edges of the image. Without a viewport, each pixel
 * of the image is one pixel of the picture. Returns `undefined` when the region is outside of the image.
 */
export function pictureGeometry(
  image: PictureSize,
  aspect: number,
  viewport: Viewport | undefined,
): PictureGeometry | undefined {
  const { left, top, width, height } = sourceOf(image, viewport);
  const across = interval(left, width, image.width);
  const down = interval(top, height, image.height);
  if (across === undefined || down === undefined) return undefined;
  const region = { left: across.from, top: down.from, width: across.length, height: down.length };
  const flips = { isMirrored: (width ?? 0) < 0, isUpsideDown: (height ?? 0) < 0 };
  const [broad = Infinity, high = Infinity] = [viewport?.width, viewport?.height];
  const scale = Math.min(broad / region.width, high / (region.height * aspect));
  if (scale === Infinity) return { region, size: { width: region.width, height: region.height }, ...flips };
  const size = {
    width: Math.max(1, Math.round(region.width * scale)),
    height: Math.max(1, Math.round(region.height * aspect * scale)),
  };
  return { region, size, ...flips };
}

/** The region in pixels of the image. A sum that differs from a whole number only by rounding is that number. */
function sourceOf({ width, height }: PictureSize, viewport: Viewport | undefined): SourceRegion {
  if (viewport?.part === undefined) return viewport?.source ?? WHOLE;
  const { left, top, right, bottom } = viewport.part;
  const [x, y] = [exact(left * width), exact(top * height)];
  return { left: x, top: y, width: exact(right * width) - x, height: exact(bottom * height) - y };
}

function exact(value: number): number {
  return Math.abs(value - Math.round(value)) < ROUNDING ? Math.round(value) : value;
}

const ROUNDING = 1e-6;

const WHOLE: SourceRegion = { left: 0, top: 0, width: undefined, height: undefined };

/** The whole pixels of a part of a side. `undefined` when the part is outside of the image. */
function interval(
  start: number,
  length: number | undefined,
  side: number,
): { readonly from: number; readonly length: number } | undefined {
  const from = Math.floor(start);
  const to = Math.min(side, length === undefined ? side : Math.ceil(start + Math.abs(length)));
  return to > from ? { from, length: to - from } : undefined;
}

/**
 * How often an image may be halved before it is scaled, so that it is still at least as large as the picture. 0 for a picture of a region.
 */
export function halvingsOf(image: PictureSize, { region, size }: PictureGeometry): number {
  if (region.width !== image.width || region.height !== image.height) return 0;
  const times = Math.min(image.width / size.width, image.height / size.height);
  return Math.max(0, Math.floor(Math.log2(times)));
}

/** The geometry of the same picture, made from the whole of an image that was halved. */
export function ofWhole(geometry: PictureGeometry, { width, height }: PictureSize): PictureGeometry {
  return { ...geometry, region: { left: 0, top: 0, width, height } };
}
