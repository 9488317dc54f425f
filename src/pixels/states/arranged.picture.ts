import type { Canvas } from '../marks/canvas.js';
import type { RenderedFrame } from '../frame.renderer.js';
import { drawMark } from '../marks/mark.drawing.js';
import type { Placement } from './displayed.area.js';
import { isGrey } from './state.colours.js';
import type { Mark, Point, PointMap } from './state.graphics.js';

/** How a scaled part of an image becomes the picture of a presentation state. */
export interface Arrangement {
  readonly placement: Placement;
  readonly marks: readonly Mark[];
}

/** Whether the scaled part of the image is not the picture itself. */
export function isArranged({ placement, marks }: Arrangement): boolean {
  const { target, size, degrees, isMirrored } = placement;
  const isWhole = target.width === size.width && target.height === size.height;
  return marks.length > 0 || degrees !== 0 || isMirrored || !isWhole;
}

/** Largest number of steps to draw the marks, about one second. Ordinary states need less than a million. */
const MAX_EFFORT = 30_000_000;

/** Places a scaled part of an image in a black picture, turns it and flips it, and draws the marks. Throws `PixelsRefused` when the marks take too long. */
export function arrangedPicture(part: Canvas, { placement, marks }: Arrangement): RenderedFrame {
  const { size, degrees } = placement;
  const [width, height] = degrees % 180 === 0 ? [size.width, size.height] : [size.height, size.width];
  const channels = part.channels === 3 || marks.some(({ colour }) => !isGrey(colour)) ? 3 : 1;
  const samples = new Uint8Array(width * height * channels);
  const picture = { width, height, channels, samples } as const;
  place(part, picture, placement);
  const map = pointMap(placement, width, height);
  const canvas = { ...picture, effort: { left: MAX_EFFORT } };
  for (const mark of marks) drawMark(canvas, mark, map);
  return picture;
}

/** Copies the part to its place, pixel by pixel. */
function place(part: Canvas, picture: Canvas, placement: Placement): void {
  const { target } = placement;
  const [columns, rows] = [Math.min(part.width, target.width), Math.min(part.height, target.height)];
  // A pixel moves by a fixed distance from its neighbours, also when the picture is turned.
  const turned = turning(placement);
  const at = (x: number, y: number) => {
    const [toX, toY] = turned([target.left + x + 0.5, target.top + y + 0.5]);
    return (Math.floor(toY) * picture.width + Math.floor(toX)) * picture.channels;
  };
  const [start, right, down] = [at(0, 0), at(1, 0) - at(0, 0), at(0, 1) - at(0, 0)];
  for (let y = 0; y < rows; y += 1)
    for (let x = 0; x < columns; x += 1) {
      const from = (y * part.width + x) * part.channels;
      const to = start + x * right + y * down;
      for (let channel = 0; channel < picture.channels; channel += 1)
        picture.samples[to + channel] = part.samples[from + (part.channels === 3 ? channel : 0)] ?? 0;
    }
}

/** The function that turns and flips a point of the picture before it is turned (PS3.3 §C.10.6: first rotation, then flip). */
function turning({ size: { width, height }, degrees, isMirrored }: Placement): (point: Point) => Point {
  const turns = {
    0: ([x, y]: Point): Point => [x, y],
    90: ([x, y]: Point): Point => [height - y, x],
    180: ([x, y]: Point): Point => [width - x, height - y],
    270: ([x, y]: Point): Point => [y, width - x],
  } as const;
  const turn = turns[degrees];
  const side = degrees % 180 === 0 ? width : height;
  return (point) => {
    const [x, y] = turn(point);
    return [isMirrored ? side - x : x, y];
  };
}

function pointMap(placement: Placement, width: number, height: number): PointMap {
  const { area, size } = placement;
  const turned = turning(placement);
  return ([x, y], units) =>
    units === 'DISPLAY'
      ? [x * width, y * height]
      : turned([((x - area.left) / area.width) * size.width, ((y - area.top) / area.height) * size.height]);
}
