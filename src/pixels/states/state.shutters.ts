import type { Selection } from '../../dicom/selected.reader.js';
import type { SelectedValues } from '../../dicom/selected.values.js';
import { type OverlayPlane, separatePlane } from '../marks/overlay.planes.js';
import { PixelsRefused } from '../pixels.refused.js';
import { type Rgb, shutterColourIn } from './state.colours.js';

/** A shape that shows a part of the image. Rows and columns are counted from 0, and edges are inside. */
export type Shutter =
  | { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number }
  /** `radius`: in columns. `aspect`: the height of a pixel divided by its width. */
  | { readonly row: number; readonly column: number; readonly radius: number; readonly aspect: number }
  /** The corners of a polygon: column and row, one pair after the other. */
  | { readonly corners: readonly number[] }
  /** Pixels that are set in the plane are covered. */
  | { readonly plane: OverlayPlane };

/** The shutters of an image (PS3.3 §C.7.6.11, §C.7.6.15). A pixel is covered with the colour if one shape covers it. */
export interface Shutters {
  readonly shapes: readonly Shutter[];
  readonly colour: Rgb;
}

const SHAPE = 0x00181600;
const EDGES = { left: 0x00181602, right: 0x00181604, top: 0x00181606, bottom: 0x00181608 } as const;
const CENTER = 0x00181610;
const RADIUS = 0x00181612;
const VERTICES = 0x00181620;
const OVERLAY_GROUP = 0x00181623;
/** Shutter Presentation Value and Shutter Presentation Color CIELab Value. */
const COLOURS = [0x00181622, 0x00181624];
/** Largest number of corners of a polygon. */
const MAX_CORNERS = 2048;

/** The elements that {@link shuttersOf} reads, besides those of overlays. */
export const SHUTTERS: Selection = new Map(
  [SHAPE, ...Object.values(EDGES), CENTER, RADIUS, VERTICES, OVERLAY_GROUP, ...COLOURS].map(
    (tag) => [tag, 'value'] as const,
  ),
);

/**
 * The shutters of a state for a frame (counted from 1). `undefined` if it has none. Throws `PixelsRefused` for a shape that is not complete,
 * because without the shape the picture would show what the state hides.
 */
export function shuttersOf(state: SelectedValues, frame: number, aspect: number): Shutters | undefined {
  const shapes = state
    .texts(SHAPE, 4)
    .filter((name) => name !== '')
    .map((name) => shapeOf(state, name, frame, aspect));
  return shapes.length === 0 ? undefined : { shapes, colour: shutterColourIn(state) };
}

function shapeOf(state: SelectedValues, name: string, frame: number, aspect: number): Shutter {
  const shape = readers[name]?.(state, frame, aspect);
  if (shape === undefined) throw new PixelsRefused('the presentation state has an invalid shutter');
  return shape;
}

type Reader = (state: SelectedValues, frame: number, aspect: number) => Shutter | undefined;

const readers: Readonly<Record<string, Reader | undefined>> = {
  RECTANGULAR: (state) => {
    const edge = (tag: number) => (state.decimal(tag) ?? Number.NaN) - 1;
    const { left, right, top, bottom } = EDGES;
    const edges = { left: edge(left), right: edge(right), top: edge(top), bottom: edge(bottom) };
    return Object.values(edges).some(Number.isNaN) ? undefined : edges;
  },
  CIRCULAR: (state, _, aspect) => {
    const [row = Number.NaN, column = Number.NaN] = state.decimals(CENTER);
    const radius = state.decimal(RADIUS);
    if (Number.isNaN(row + column) || radius === undefined || radius < 0) return undefined;
    return { row: row - 1, column: column - 1, radius, aspect };
  },
  POLYGONAL: (state) => {
    const numbers = state.decimals(VERTICES);
    const isUsable = numbers.length % 2 === 0 && numbers.length >= 6 && !numbers.some(Number.isNaN);
    if (!isUsable || numbers.length > MAX_CORNERS * 2) return undefined;
    // A pair in the file is row and column.
    return { corners: numbers.map((_, at) => (numbers[at % 2 === 0 ? at + 1 : at - 1] ?? 0) - 1) };
  },
  BITMAP: (state, frame) => {
    const group = state.short(OVERLAY_GROUP);
    if (group === undefined || group < 0x6000 || group > 0x601e || group % 2 !== 0) return undefined;
    const plane = separatePlane(state, group * 0x10000, frame);
    return plane === undefined ? undefined : { plane };
  },
};
