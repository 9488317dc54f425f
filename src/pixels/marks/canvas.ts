import { PixelsRefused } from '../pixels.refused.js';

/** A picture whose samples can be changed, with 8 bits per sample: grey (1 channel), or red, green and blue (3 channels). */
export interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly samples: Uint8Array;
  /** The number of steps that may still be drawn. Without it, drawing is not limited. */
  readonly effort?: { left: number } | undefined;
}

/** Subtracts steps from the effort of a canvas. Throws `PixelsRefused` when it is used up. */
export function spend({ effort }: Canvas, steps: number): void {
  if (effort === undefined) return;
  effort.left -= steps;
  if (effort.left < 0) throw new PixelsRefused('the presentation state takes too long to draw');
}

/** A colour of a canvas. A grey canvas uses the first sample. */
export type CanvasColour = readonly [red: number, green: number, blue: number];

/** Fills a rectangle of whole pixels with a colour. Pixels outside of the canvas are left out. */
export function fillRectangle(
  { width, height, channels, samples }: Canvas,
  left: number,
  top: number,
  [columns, rows]: readonly [columns: number, rows: number],
  [red, green, blue]: CanvasColour,
): void {
  const [from, to] = [Math.max(0, left), Math.min(width, left + columns)];
  if (to <= from) return;
  for (let row = Math.max(0, top); row < Math.min(height, top + rows); row += 1) {
    const [start, end] = [(row * width + from) * channels, (row * width + to) * channels];
    if (channels === 1 || (red === green && green === blue)) samples.fill(red, start, end);
    else
      for (let at = start; at < end; at += 3) {
        samples[at] = red;
        samples[at + 1] = green;
        samples[at + 2] = blue;
      }
  }
}
