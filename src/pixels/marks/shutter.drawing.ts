import type { Shutter, Shutters } from '../states/state.shutters.js';
import { type Canvas, type CanvasColour, fillRectangle } from './canvas.js';
import { drawOverlays } from './overlay.drawing.js';
import { drawLines, fillPolygon } from './shape.drawing.js';

const SHOWN: CanvasColour = [1, 1, 1];

/** Covers the pixels of an image that its shutters hide. */
export function drawShutters(canvas: Canvas, { shapes, colour }: Shutters): void {
  for (const shape of shapes) {
    const shown = shownPixels(canvas, shape);
    for (let row = 0; row < canvas.height; row += 1) {
      const end = (row + 1) * canvas.width;
      for (let from = shown.indexOf(0, row * canvas.width); from !== -1 && from < end;) {
        const next = shown.indexOf(1, from);
        const to = next === -1 ? end : Math.min(end, next);
        fillRectangle(canvas, from - row * canvas.width, row, [to - from, 1], colour);
        from = to < end ? shown.indexOf(0, to) : end;
      }
    }
  }
}

/** One number for each pixel: 0 for a covered pixel. */
function shownPixels({ width, height }: Canvas, shape: Shutter): Uint8Array {
  const mask: Canvas = { width, height, channels: 1, samples: new Uint8Array(width * height) };
  if ('plane' in shape) {
    mask.samples.fill(1);
    drawOverlays(mask, [shape.plane], () => 0, 0);
  } else if ('corners' in shape) {
    const { corners } = shape;
    const points = Array.from(
      { length: corners.length / 2 },
      // A corner is in the middle of its pixel.
      (_, at) => [(corners[at * 2] ?? 0) + 0.5, (corners[at * 2 + 1] ?? 0) + 0.5] as const,
    );
    fillPolygon(mask, points, SHOWN);
    drawLines(mask, [...points, ...points.slice(0, 1)], 1, SHOWN);
  } else if ('radius' in shape) {
    const { row, column, radius, aspect } = shape;
    for (let y = 0; y < height; y += 1) {
      const half = Math.sqrt(radius ** 2 - ((y - row) * aspect) ** 2);
      const [from, to] = [Math.ceil(column - half), Math.floor(column + half)];
      if (to >= from) fillRectangle(mask, from, y, [to - from + 1, 1], SHOWN);
    }
  } else {
    const { left, right, top, bottom } = shape;
    fillRectangle(mask, left, top, [right - left + 1, bottom - top + 1], SHOWN);
  }
  return mask.samples;
}
