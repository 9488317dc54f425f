import { decodeText } from '../../dicom/character.sets.js';
import type { Selection } from '../../dicom/selected.reader.js';
import type { SelectedValues } from '../../dicom/selected.values.js';
import type { OverlayPlane } from '../marks/overlay.planes.js';
import { PixelsRefused } from '../pixels.refused.js';
import { colourIn, type Rgb, WHITE_RGB } from './state.colours.js';
import { appliesTo, REFERENCE, REFERENCED_IMAGES, type TargetImage } from './state.references.js';

/** Where points are: in pixels of the image (the first pixel begins at 0), or in parts of the displayed area as it is shown, from 0 to 1. */
export type Units = 'PIXEL' | 'DISPLAY';

/** A point: column and row. */
export type Point = readonly [x: number, y: number];

/** Maps a point to a picture. */
export type PointMap = (point: Point, units: Units) => Point;

/** A graphic object (PS3.3 §C.10.5.1.2). */
export interface GraphicObject {
  readonly kind: 'POINT' | 'POLYLINE' | 'INTERPOLATED' | 'CIRCLE' | 'ELLIPSE';
  readonly units: Units;
  readonly points: readonly Point[];
  readonly isFilled: boolean;
}

/** A text object: lines in a box, or at an anchor point. */
export interface TextObject {
  readonly lines: readonly string[];
  readonly box:
    { readonly units: Units; readonly corners: readonly Point[]; readonly alignment: string } | undefined;
  readonly anchor: { readonly units: Units; readonly point: Point; readonly isVisible: boolean } | undefined;
}

/** Something to draw into a picture, with its colour. */
export interface Mark {
  readonly drawn: GraphicObject | TextObject | OverlayPlane;
  readonly colour: Rgb;
}

const ANNOTATIONS = 0x00700001;
const LAYER = 0x00700002;
const LAYERS = 0x00700060;
const LAYER_ORDER = 0x00700062;
const LAYER_GREY = 0x00700066;
const LAYER_LAB = 0x00700401;
const TEXTS = 0x00700008;
const GRAPHICS = 0x00700009;
const [BOX_UNITS, ANCHOR_UNITS, GRAPHIC_UNITS] = [0x00700003, 0x00700004, 0x00700005];
const TEXT = 0x00700006;
const [TOP_LEFT, BOTTOM_RIGHT, ALIGNMENT, ANCHOR, ANCHOR_VISIBILITY] = [
  0x00700010, 0x00700011, 0x00700012, 0x00700014, 0x00700015,
];
const [DIMENSIONS, COUNT, DATA, KIND, FILLED] = [0x00700020, 0x00700021, 0x00700022, 0x00700023, 0x00700024];
const CHARACTER_SET = 0x00080005;

const selected = (...tags: readonly number[]): Selection => new Map(tags.map((tag) => [tag, 'value']));

/** The elements that {@link marksOf} reads, besides those of overlays. */
export const GRAPHIC_ANNOTATIONS: Selection = new Map<number, 'value' | Selection>([
  [CHARACTER_SET, 'value'],
  [LAYERS, selected(LAYER, LAYER_ORDER, LAYER_GREY, LAYER_LAB)],
  [
    ANNOTATIONS,
    new Map<number, 'value' | Selection>([
      [REFERENCED_IMAGES, REFERENCE],
      [LAYER, 'value'],
      [
        TEXTS,
        selected(BOX_UNITS, ANCHOR_UNITS, TEXT, TOP_LEFT, BOTTOM_RIGHT, ALIGNMENT, ANCHOR, ANCHOR_VISIBILITY),
      ],
      [GRAPHICS, selected(GRAPHIC_UNITS, DIMENSIONS, COUNT, DATA, KIND, FILLED)],
    ]),
  ],
]);

/** Largest number of layers, of objects, of points and of characters that are drawn. */
const MAX_LAYERS = 256;
const MAX_OBJECTS = 2000;
const MAX_POINTS = 20_000;
const MAX_CHARACTERS = 20_000;
/** Larger coordinates are faults of the writer. */
const MAX_COORDINATE = 1_000_000;

/** An overlay plane that a layer shows (PS3.3 §C.11.7). */
export interface LayerPlane {
  readonly layer: string;
  readonly plane: OverlayPlane;
}

/**
 * The marks of a state for a frame, in the order in which they are drawn: layer by layer, overlays first. Throws `PixelsRefused` for an
 * object that cannot be drawn, or when there are too many.
 */
export function marksOf(
  state: SelectedValues,
  target: TargetImage,
  planes: readonly LayerPlane[],
): readonly Mark[] {
  const layers = layersOf(state);
  const characterSet = state.bytes(CHARACTER_SET).subarray(0, 1024).toString('latin1');
  const annotations = state.items(ANNOTATIONS).filter((item) => appliesTo(item, target));
  const drawn = [
    ...planes.map(({ layer, plane }) => ({ layer, drawn: plane })),
    ...annotations.flatMap((item) => {
      const layer = item.text(LAYER);
      const texts = item.items(TEXTS).map((one) => wordsOf(one, characterSet));
      return [...item.items(GRAPHICS).map(graphicOf), ...texts].map((one) => ({ layer, drawn: one }));
    }),
  ];
  checkCounts(drawn.map((one) => one.drawn));
  const placed = drawn.map((one) => ({ layer: layers.get(one.layer) ?? UNKNOWN_LAYER, drawn: one.drawn }));
  placed.sort((a, b) => a.layer.order - b.layer.order);
  return placed.map((one) => ({ drawn: one.drawn, colour: one.layer.colour }));
}

const UNKNOWN_LAYER = { order: 0, colour: WHITE_RGB };

function layersOf(state: SelectedValues) {
  const items = state.items(LAYERS);
  if (items.length > MAX_LAYERS) throw tooMany();
  return new Map(
    items.map((item) => [
      item.text(LAYER),
      { order: item.decimal(LAYER_ORDER) ?? 0, colour: colourIn(item, LAYER_LAB, LAYER_GREY) ?? WHITE_RGB },
    ]),
  );
}

function checkCounts(drawn: readonly Mark['drawn'][]): void {
  let [points, characters] = [0, 0];
  for (const one of drawn) {
    if ('points' in one) points += one.points.length;
    if ('lines' in one) characters += one.lines.reduce((sum, line) => sum + line.length + 1, 0);
  }
  if (drawn.length > MAX_OBJECTS || points > MAX_POINTS || characters > MAX_CHARACTERS) throw tooMany();
}

function tooMany(): PixelsRefused {
  return new PixelsRefused('the presentation state has too many graphic annotations');
}

/** The numbers of points that a kind of graphic can have. */
const POINTS: Readonly<Record<GraphicObject['kind'], readonly [least: number, most: number]>> = {
  POINT: [1, 1],
  POLYLINE: [2, MAX_POINTS],
  INTERPOLATED: [2, MAX_POINTS],
  CIRCLE: [2, 2],
  ELLIPSE: [4, 4],
};

function isKind(text: string): text is GraphicObject['kind'] {
  return Object.hasOwn(POINTS, text);
}

function graphicOf(item: SelectedValues): GraphicObject {
  const kind = item.text(KIND);
  const units = unitsOf(item, GRAPHIC_UNITS);
  const count = item.short(COUNT) ?? 0;
  if (!isKind(kind) || units === undefined || (item.short(DIMENSIONS) ?? 2) !== 2) throw undrawable();
  if (count > MAX_POINTS) throw tooMany();
  const points = pointsIn(item, DATA, count);
  const [least, most] = POINTS[kind];
  if (points.length !== count || count < least || count > most) throw undrawable();
  return { kind, units, points, isFilled: item.text(FILLED) === 'Y' };
}

function wordsOf(item: SelectedValues, characterSet: string): TextObject {
  const bytes = item.bytes(TEXT);
  if (bytes.length > MAX_CHARACTERS * 4) throw tooMany();
  const lines = decodeText(bytes, characterSet, '')
    .replaceAll('\0', ' ')
    .split(/\r\n|\r|\n|\f/)
    .map((line) => line.trimEnd());
  const corners = [...pointsIn(item, TOP_LEFT, 1), ...pointsIn(item, BOTTOM_RIGHT, 1)];
  const boxUnits = unitsOf(item, BOX_UNITS);
  const alignment = item.text(ALIGNMENT);
  const box =
    corners.length === 2 && boxUnits !== undefined ? { units: boxUnits, corners, alignment } : undefined;
  const [point] = pointsIn(item, ANCHOR, 1);
  const units = unitsOf(item, ANCHOR_UNITS);
  const isVisible = item.text(ANCHOR_VISIBILITY) === 'Y';
  const anchor = point !== undefined && units !== undefined ? { units, point, isVisible } : undefined;
  if (box === undefined && anchor === undefined) throw undrawable();
  return { lines, box, anchor };
}

function undrawable(): PixelsRefused {
  return new PixelsRefused('the presentation state has a graphic annotation that cannot be drawn');
}

function unitsOf(item: SelectedValues, tag: number): Units | undefined {
  const text = item.text(tag);
  return text === 'PIXEL' || text === 'DISPLAY' ? text : undefined;
}

/** The first points of an element. Points that are not numbers or very far outside are left out. */
function pointsIn(item: SelectedValues, tag: number, most: number): readonly Point[] {
  const numbers = item.floats(tag, most * 2);
  return Array.from({ length: Math.floor(numbers.length / 2) }, (_, at): Point => [
    numbers[at * 2] ?? 0,
    numbers[at * 2 + 1] ?? 0,
  ]).filter(([x, y]) => Math.abs(x) <= MAX_COORDINATE && Math.abs(y) <= MAX_COORDINATE);
}
