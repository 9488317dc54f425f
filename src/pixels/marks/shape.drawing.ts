import { type Canvas, type CanvasColour, fillRectangle, spend } from './canvas.js';

type Position = readonly [x: number, y: number];

/**
 * Draws a line between two points of a canvas. A point is in the pixel whose column and row are its whole parts. `thickness`: in pixels. The
 * time depends on the size of the canvas and not on the length of the line.
 */
export function drawLine(
  canvas: Canvas,
  from: Position,
  to: Position,
  thickness: number,
  colour: CanvasColour,
): void {
  const visible = clipped(from, to, canvas.width + thickness, canvas.height + thickness, thickness);
  if (visible === undefined) return;
  const [[x, y], [endX, endY]] = visible;
  const steps = Math.max(1, Math.ceil(Math.max(Math.abs(endX - x), Math.abs(endY - y))));
  const offset = Math.floor(thickness / 2);
  spend(canvas, steps);
  for (let step = 0; step <= steps; step += 1) {
    const column = Math.floor(x + ((endX - x) * step) / steps) - offset;
    const row = Math.floor(y + ((endY - y) * step) / steps) - offset;
    fillRectangle(canvas, column, row, [thickness, thickness], colour);
  }
}

/** Draws lines from each point to the next one. */
export function drawLines(
  canvas: Canvas,
  points: readonly Position[],
  thickness: number,
  colour: CanvasColour,
): void {
  const [first] = points;
  if (points.length === 1 && first !== undefined) drawLine(canvas, first, first, thickness, colour);
  for (let at = 1; at < points.length; at += 1) {
    const [from, to] = [points[at - 1], points[at]];
    if (from !== undefined && to !== undefined) drawLine(canvas, from, to, thickness, colour);
  }
}

/**
 * Fills a polygon by the even-odd rule. A pixel is inside if its middle is inside. The last corner is connected to the first one.
 */
export function fillPolygon(canvas: Canvas, corners: readonly Position[], colour: CanvasColour): void {
  const ys = corners.map(([, y]) => y);
  const lowest = ys.reduce((most, y) => Math.max(most, y), -1);
  const first = Math.max(0, Math.floor(ys.reduce((least, y) => Math.min(least, y), canvas.height)));
  for (let row = first; row < canvas.height && row <= lowest; row += 1) {
    const crossings = crossingsOf(corners, row + 0.5);
    // Sorting the crossings takes longer than finding them.
    spend(canvas, corners.length + crossings.length * 10);
    for (let at = 0; at + 1 < crossings.length; at += 2) {
      const left = Math.max(0, Math.ceil((crossings[at] ?? 0) - 0.5));
      const right = Math.min(canvas.width, Math.ceil((crossings[at + 1] ?? 0) - 0.5));
      fillRectangle(canvas, left, row, [right - left, 1], colour);
    }
  }
}

/** Where the edges of a polygon cross a horizontal line, from left to right. */
function crossingsOf(corners: readonly Position[], line: number): readonly number[] {
  const found: number[] = [];
  let [x, y] = corners.at(-1) ?? [0, 0];
  for (const [nextX, nextY] of corners) {
    if (y <= line !== nextY <= line) found.push(x + ((line - y) / (nextY - y)) * (nextX - x));
    [x, y] = [nextX, nextY];
  }
  return found.sort((a, b) => a - b);
}

/** The part of a line in a rectangle from `-margin` to `width` and `height` (Liang and Barsky). `undefined` if it is outside. */
function clipped(
  [x, y]: Position,
  [endX, endY]: Position,
  width: number,
  height: number,
  margin: number,
): readonly [Position, Position] | undefined {
  const [across, down] = [endX - x, endY - y];
  let [from, to] = [0, 1];
  for (const [step, distance] of [
    [-across, x + margin],
    [across, width - x],
    [-down, y + margin],
    [down, height - y],
  ] as const) {
    if (step === 0 && distance < 0) return undefined;
    if (step < 0) from = Math.max(from, distance / step);
    if (step > 0) to = Math.min(to, distance / step);
  }
  if (from > to) return undefined;
  const at = (part: number): Position => [x + across * part, y + down * part];
  return [at(from), at(to)];
}
