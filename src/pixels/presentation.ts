import type { Selection } from '../dicom/selected.reader.js';
import type { SelectedValues } from '../dicom/selected.values.js';
import type { ColourConversion } from './colours/colour.conversion.js';
import type { OverlayPlane } from './marks/overlay.planes.js';
import type { Shutters } from './states/state.shutters.js';
import { groupsOf, PER_FRAME, SHARED } from './functional.groups.js';
import { type LookupTable, readLookupTable } from './lookup.table.js';
import { PALETTE_TAGS, type Palette, readPalette } from './palette.js';
import type { PixelFormat } from './pixel.format.js';
import { isValidWindow, type VoiWindow } from './voi.functions.js';

/** How stored values become values in modality units (PS3.3 §C.11.1). */
export type Modality =
  { readonly slope: number; readonly intercept: number } | { readonly table: LookupTable };

/**
 * How values in modality units become grey (PS3.3 §C.11.2): by a window, by a table, or by a range from black to white. An absent end of
 * the range is the smallest or largest value of the frame.
 */
export type Voi =
  | { readonly window: VoiWindow }
  | { readonly table: LookupTable }
  | { readonly least?: number | undefined; readonly most?: number | undefined };

/** The parameters of the grayscale and colour transformations (PS3.4 §N.2) of one frame. */
export interface Presentation {
  readonly modality: Modality;
  readonly voi: Voi;
  /** Whether small values are white. */
  readonly isInverse: boolean;
  /** The stored values that are padding, inclusive. They do not count for the range of the frame. */
  readonly padding: readonly [from: number, to: number] | undefined;
  readonly palette: Palette | undefined;
  /** The colours of the stored values of a grey image that are indexes (PS3.3 §C.7.6.19). Other values are grey. */
  readonly supplement?: Palette | undefined;
  /** The last step from grey to grey (PS3.3 §C.11.6). It takes the place of `isInverse`. */
  readonly table?: LookupTable | undefined;
  /** The colours of grey (PS3.4 §N.2.4): a pseudo-colour presentation state has them. They are looked up by the position of grey in its range. */
  readonly greyColours?: Palette | undefined;
  /** The parts of the image that are covered, before overlays are drawn. */
  readonly shutters?: Shutters | undefined;
  /** The overlay planes to draw. */
  readonly overlays?: readonly OverlayPlane[];
  /** The colour space that the client asks for. If present, a grey frame becomes red, green and blue. */
  readonly colours?: ColourConversion | undefined;
}

const WINDOW_CENTER = 0x00281050;
const WINDOW_WIDTH = 0x00281051;
const VOI_FUNCTION = 0x00281056;
const SLOPE = 0x00281053;
const INTERCEPT = 0x00281052;
const MODALITY_TABLES = 0x00283000;
const VOI_TABLES = 0x00283010;
const DESCRIPTOR = 0x00283002;
const TABLE_DATA = 0x00283006;
const SHAPE = 0x20500020;
const PADDING = {
  integer: [0x00280120, 0x00280121],
  float: [0x00280122, 0x00280124],
  double: [0x00280123, 0x00280125],
};
const DOSE_SCALING = 0x3004000e;
const LARGEST_FRACTION = 0x0062000e;
/** Pixel Value Transformation Sequence and Frame VOI LUT Sequence (PS3.3 §C.7.6.16.2.9, §C.7.6.16.2.10). */
const FRAME_MODALITY = 0x00289145;
const FRAME_VOI = 0x00289132;

/** Presentation LUT Sequence. */
const PRESENTATION_TABLES = 0x20500010;
const PALETTE_DESCRIPTOR = 0x00281101;
const PIXEL_PRESENTATION = 0x00089205;
/** The frame type sequences of enhanced MR, CT and PET images, with Pixel Presentation of the frame. */
const FRAME_TYPES = [0x00189226, 0x00189329, 0x00189751];

const value = (tag: number) => [tag, 'value'] as const;
const TABLE: Selection = new Map([DESCRIPTOR, TABLE_DATA].map(value));
/** The elements that {@link modalityOf} reads. */
export const MODALITY: Selection = new Map<number, 'value' | Selection>([
  ...[SLOPE, INTERCEPT].map(value),
  [MODALITY_TABLES, TABLE],
]);
/** The elements that {@link voiOf} reads. */
export const VOI: Selection = new Map<number, 'value' | Selection>([
  ...[WINDOW_CENTER, WINDOW_WIDTH, VOI_FUNCTION].map(value),
  [VOI_TABLES, TABLE],
]);
const FRAME_TYPE: Selection = new Map([value(PIXEL_PRESENTATION)]);
const GROUPS: Selection = new Map([
  [FRAME_MODALITY, MODALITY],
  [FRAME_VOI, VOI],
  ...FRAME_TYPES.map((sequence) => [sequence, FRAME_TYPE] as const),
]);

/** The elements that {@link lastTableOf} and {@link isInverseShape} read. */
export const LAST_STEP: Selection = new Map<number, 'value' | Selection>([
  value(SHAPE),
  [PRESENTATION_TABLES, TABLE],
]);

/** The elements that {@link presentationOf} reads. */
export const PRESENTATION: Selection = new Map<number, 'value' | Selection>([
  ...MODALITY,
  ...VOI,
  ...Object.values(PADDING).flat().map(value),
  ...PALETTE_TAGS.map(value),
  ...LAST_STEP,
  ...[DOSE_SCALING, LARGEST_FRACTION, PIXEL_PRESENTATION].map(value),
  [SHARED, GROUPS],
  [PER_FRAME, GROUPS],
]);

/**
 * The presentation of a frame (counted from 1). Attributes of the frame come before shared attributes, and shared attributes come before
 * attributes of the instance. `window`: the window that the client asks for. Throws `PixelsRefused` for an unusable table.
 */
export function presentationOf(
  values: SelectedValues,
  format: PixelFormat,
  frame: number,
  window?: VoiWindow,
): Presentation {
  const modality = first(groupsOf(values, frame, FRAME_MODALITY), (one) => modalityOf(one, format)) ?? {
    slope: values.decimal(DOSE_SCALING) ?? 1,
    intercept: 0,
  };
  const isSigned = format.isSigned || ('intercept' in modality && modality.intercept < 0);
  const isPalette = format.photometric === 'PALETTE COLOR';
  const table = lastTableOf(values);
  return {
    modality,
    voi:
      (window === undefined ? undefined : { window }) ??
      first(groupsOf(values, frame, FRAME_VOI), (one) => voiOf(one, isSigned)) ??
      rangeOf(values, format),
    table,
    isInverse: table === undefined && (format.photometric === 'MONOCHROME1' || isInverseShape(values)),
    padding: paddingOf(values, format),
    palette: isPalette ? readPalette(values, format.isSigned) : undefined,
    supplement: isSupplemented(values, format, frame) ? readPalette(values, format.isSigned) : undefined,
  };
}

/** The Presentation LUT of a data set (PS3.3 §C.11.6). Throws `PixelsRefused` for an unusable table. */
export function lastTableOf(values: SelectedValues): LookupTable | undefined {
  const [last] = values.items(PRESENTATION_TABLES);
  return last?.has(DESCRIPTOR) === true ? readLookupTable(last, DESCRIPTOR, TABLE_DATA, false) : undefined;
}

/** Whether Presentation LUT Shape says that small values are white. */
export function isInverseShape(values: SelectedValues): boolean {
  return values.text(SHAPE) === 'INVERSE';
}

/** Whether some stored values of a frame are indexes into the palette of a grey image, by Pixel Presentation of the frame or the image. */
function isSupplemented(values: SelectedValues, format: PixelFormat, frame: number): boolean {
  if (format.photometric !== 'MONOCHROME2' || format.bitsAllocated > 16 || !values.has(PALETTE_DESCRIPTOR))
    return false;
  const groups = FRAME_TYPES.flatMap((sequence) => groupsOf(values, frame, sequence).slice(0, -1));
  const kinds = [...groups, values].map((one) => one.text(PIXEL_PRESENTATION));
  const kind = kinds.find((one) => one !== '');
  return kind === 'COLOR' || kind === 'MIXED';
}

function first<T>(
  all: readonly SelectedValues[],
  read: (one: SelectedValues) => T | undefined,
): T | undefined {
  for (const one of all) {
    const found = read(one);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The transformation to modality units of a data set: its table, or its slope and intercept. `undefined` if it has none. */
export function modalityOf(values: SelectedValues, { isSigned, numbers }: PixelFormat): Modality | undefined {
  const [table] = values.items(MODALITY_TABLES);
  if (table?.has(DESCRIPTOR) === true && numbers === 'integer')
    return { table: readLookupTable(table, DESCRIPTOR, TABLE_DATA, isSigned) };
  const [slope, intercept] = [values.decimal(SLOPE), values.decimal(INTERCEPT)];
  if (slope === undefined && intercept === undefined) return undefined;
  return { slope: slope ?? 1, intercept: intercept ?? 0 };
}

/** The first table of a data set, or its first window if it is valid. `isSigned`: whether values in modality units can be negative. */
export function voiOf(values: SelectedValues, isSigned: boolean): Voi | undefined {
  const [table] = values.items(VOI_TABLES);
  if (table?.has(DESCRIPTOR) === true)
    return { table: readLookupTable(table, DESCRIPTOR, TABLE_DATA, isSigned) };
  const [center, width] = [values.decimal(WINDOW_CENTER), values.decimal(WINDOW_WIDTH)];
  if (center === undefined || width === undefined) return undefined;
  const named = values.text(VOI_FUNCTION);
  const shape = named === 'LINEAR_EXACT' || named === 'SIGMOID' ? named : 'LINEAR';
  const window = { center, width, shape } as const;
  return isValidWindow(window) ? { window } : undefined;
}

/** The range without a window: of a bitmap, a fractional segmentation, a dose, or the values of the frame. */
function rangeOf(values: SelectedValues, { bitsAllocated }: PixelFormat): Voi {
  if (bitsAllocated === 1) return { least: 0, most: 1 };
  const fraction = values.short(LARGEST_FRACTION);
  if (fraction !== undefined && fraction > 0) return { least: 0, most: fraction };
  return values.has(DOSE_SCALING) ? { least: 0 } : {};
}

/** The padding values (PS3.3 §C.7.5.1.1.2). The limit of the range can be below or above the padding value. */
function paddingOf(
  values: SelectedValues,
  { numbers, isSigned }: PixelFormat,
): readonly [number, number] | undefined {
  const [one, other] = PADDING[numbers].map((tag) =>
    numbers === 'integer' ? values.short(tag, isSigned) : values.float(tag),
  );
  if (one === undefined) return undefined;
  const limit = other ?? one;
  return [Math.min(one, limit), Math.max(one, limit)];
}

/**
 * Whether a picture of an image in a smaller size has the same contrast: its grey does not depend on the values of the frame, and its pixels
 * are neither indexes nor padding nor below an overlay.
 */
export function mayBeHalved(presentation: Presentation, isColour: boolean): boolean {
  const { voi, padding, palette, supplement, overlays = [] } = presentation;
  if (palette !== undefined || supplement !== undefined || padding !== undefined || overlays.length > 0)
    return false;
  return isColour || 'window' in voi || 'table' in voi;
}
