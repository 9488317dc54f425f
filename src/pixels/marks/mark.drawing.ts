import type { GraphicObject, Mark, Point, PointMap, TextObject } from '../states/state.graphics.js';
import { type Canvas, type CanvasColour, fillRectangle } from './canvas.js';
import { bitReader } from './overlay.drawing.js';
import type { OverlayPlane } from './overlay.planes.js';
import { drawLine, drawLines, fillPolygon } from './shape.drawing.js';
import { drawText, fittingTextScale, textScale, textSize } from './text.drawing.js';

/** Number of lines of a circle or an ellipse, and of a part of an interpolated curve. */
const CIRCLE_LINES = 128;
const CURVE_LINES = 8;
/** The larger side of a picture per pixel of the thickness of a line. */
const SIDE_PER_THICKNESS = 800;

/** Draws a mark of a presentation state into a picture. `map`: maps points of the image or the displayed area to the picture. */
export function drawMark(canvas: Canvas, { drawn, colour }: Mark, map: PointMap): void {
  if ('kind' in drawn) drawGraphic(canvas, drawn, colour, map);
  else if ('lines' in drawn) drawWords(canvas, drawn, colour, map);
  else drawPlane(canvas, drawn, colour, map);
}

function thicknessOf({ width, height }: Canvas): number {
  return Math.max(1, Math.round(Math.max(width, height) / SIDE_PER_THICKNESS));
}

function drawGraphic(canvas: Canvas, graphic: GraphicObject, colour: CanvasColour, map: PointMap): void {
  const points = graphic.points.map((point) => map(point, graphic.units));
  const thickness = thicknessOf(canvas);
  if (graphic.kind === 'POINT') {
    const [[x, y] = [0, 0]] = points;
    const arm = thickness * 2;
    drawLine(canvas, [x - arm, y], [x + arm, y], thickness, colour);
    drawLine(canvas, [x, y - arm], [x, y + arm], thickness, colour);
    return;
  }
  const outline = outlineOf(graphic.kind, points);
  if (graphic.isFilled && isClosed(outline)) fillPolygon(canvas, outline, colour);
  drawLines(canvas, outline, thickness, colour);
}

function isClosed(points: readonly Point[]): boolean {
  const [first, last] = [points[0], points.at(-1)];
  return points.length > 3 && first?.[0] === last?.[0] && first?.[1] === last?.[1];
}

function outlineOf(kind: GraphicObject['kind'], points: readonly Point[]): readonly Point[] {
  if (kind === 'CIRCLE') {
    const [[x, y] = [0, 0], [toX, toY] = [0, 0]] = points;
    const radius = Math.hypot(toX - x, toY - y);
    return ellipse([x, y], [radius, 0], [0, radius]);
  }
  if (kind === 'ELLIPSE') {
    const [a = [0, 0], b = [0, 0], c = [0, 0], d = [0, 0]] = points;
    return ellipse([(a[0] + b[0]) / 2, (a[1] + b[1]) / 2], half(a, b), half(c, d));
  }
  return kind === 'INTERPOLATED' ? curve(points) : points;
}

function half(from: Point, to: Point): Point {
  return [(to[0] - from[0]) / 2, (to[1] - from[1]) / 2];
}

function ellipse(center: Point, one: Point, other: Point): readonly Point[] {
  return Array.from({ length: CIRCLE_LINES + 1 }, (_, at) => {
    // The last point is exactly the first one.
    const angle = ((at % CIRCLE_LINES) / CIRCLE_LINES) * 2 * Math.PI;
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    return [center[0] + one[0] * cos + other[0] * sin, center[1] + one[1] * cos + other[1] * sin];
  });
}

/** A smooth curve through all points (Catmull and Rom). */
function curve(points: readonly Point[]): readonly Point[] {
  const closed = isClosed(points);
  const last = points.length - 1;
  const at = (index: number): Point => {
    const inside = closed ? (index + last) % last : Math.min(Math.max(index, 0), last);
    return points[inside] ?? [0, 0];
  };
  const lines = Array.from({ length: last * CURVE_LINES }, (_, step): Point => {
    const from = Math.floor(step / CURVE_LINES);
    const part = (step % CURVE_LINES) / CURVE_LINES;
    const four = [at(from - 1), at(from), at(from + 1), at(from + 2)] as const;
    return [between(four, 0, part), between(four, 1, part)];
  });
  return [...lines, ...points.slice(-1)];
}

function between(
  [before, from, to, after]: readonly [Point, Point, Point, Point],
  axis: 0 | 1,
  part: number,
): number {
  const [a, b, c, d] = [before[axis], from[axis], to[axis], after[axis]];
  return b + 0.5 * part * (c - a + part * (2 * a - 5 * b + 4 * c - d + part * (3 * (b - c) + d - a)));
}

/** Draws the lines of a text, and a line to its anchor point if this is visible. Lines below the picture are left out. */
function drawWords(canvas: Canvas, words: TextObject, colour: CanvasColour, map: PointMap): void {
  const { lines, box, anchor } = words;
  const thickness = thicknessOf(canvas);
  const place = anchor === undefined ? undefined : map(anchor.point, anchor.units);
  if (place !== undefined && anchor?.isVisible === true) {
    const [x, y] = place;
    fillRectangle(
      canvas,
      Math.floor(x) - thickness,
      Math.floor(y) - thickness,
      [thickness * 3, thickness * 3],
      colour,
    );
  }
  if (box === undefined) {
    const [x, y] = place ?? [0, 0];
    drawTextLines(canvas, lines, [x, y], textScale(canvas), () => 0, colour);
    return;
  }
  const [[left, top], [right, bottom]] = cornersOf(box.corners, (point) => map(point, box.units));
  if (place !== undefined && anchor?.isVisible === true)
    drawLine(
      canvas,
      [Math.min(Math.max(place[0], left), right), Math.min(Math.max(place[1], top), bottom)],
      place,
      thickness,
      colour,
    );
  const scale = fittingTextScale(canvas, lines, [right - left, bottom - top]);
  const indent = (width: number) => {
    if (box.alignment === 'RIGHT') return Math.max(0, right - left - width);
    return box.alignment === 'CENTER' ? Math.max(0, (right - left - width) / 2) : 0;
  };
  drawTextLines(canvas, lines, [left, top], scale, indent, colour);
}

/** The top left and the bottom right corner of a box that may have been turned. */
function cornersOf(corners: readonly Point[], map: (point: Point) => Point): readonly [Point, Point] {
  const [one = [0, 0], other = [0, 0]] = corners.map(map);
  return [
    [Math.min(one[0], other[0]), Math.min(one[1], other[1])],
    [Math.max(one[0], other[0]), Math.max(one[1], other[1])],
  ];
}

function drawTextLines(
  canvas: Canvas,
  lines: readonly string[],
  [left, top]: Point,
  scale: number,
  indent: (width: number) => number,
  colour: CanvasColour,
): void {
  const { height } = textSize('', scale);
  const letters = Math.ceil(canvas.width / scale);
  lines.forEach((line, at) => {
    const y = Math.round(top) + at * height;
    if (y > canvas.height || y + height < 0) return;
    const text = line.slice(0, letters);
    drawText(canvas, text, Math.round(left + indent(textSize(text, scale).width)), y, scale, colour);
  });
}

/** Draws each pixel of a plane as a rectangle, so that thin lines stay visible in a small picture. */
function drawPlane(canvas: Canvas, plane: OverlayPlane, colour: CanvasColour, map: PointMap): void {
  const isSet = bitReader(plane, () => 0);
  for (let row = 0; row < plane.rows; row += 1)
    for (let column = 0; column < plane.columns; column += 1) {
      if (!isSet(row * plane.columns + column)) continue;
      const [x, y] = [plane.left + column, plane.top + row];
      const [[left, top], [right, bottom]] = cornersOf(
        [
          [x, y],
          [x + 1, y + 1],
        ],
        (point) => map(point, 'PIXEL'),
      );
      const [from, above] = [Math.floor(left + 1e-6), Math.floor(top + 1e-6)];
      const size = [
        Math.max(1, Math.ceil(right - 1e-6) - from),
        Math.max(1, Math.ceil(bottom - 1e-6) - above),
      ] as const;
      fillRectangle(canvas, from, above, size, colour);
    }
}
