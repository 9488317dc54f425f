import { type Canvas, type CanvasColour, fillRectangle } from './canvas.js';
import { GLYPH, glyphOf, markOf } from './bitmap.font.js';
import { latinText } from './latin.text.js';

/** The cell of a letter: five pixels and a space, and seven rows between two rows of marks. */
const CELL = { width: GLYPH.width + 1, height: GLYPH.height + 5 } as const;
const TOP = 3;
const WHITE: CanvasColour = [255, 255, 255];
const BLACK: CanvasColour = [0, 0, 0];

/** Text size for a picture: an integer factor of the font. Letters are about 1/45 of the shorter side of a large picture. */
export function textScale({ width, height }: Pick<Canvas, 'width' | 'height'>): number {
  return Math.min(16, Math.max(1, Math.round(Math.min(width, height) / 400)));
}

/** The number of letters of a line, and of lines, that fit into a picture. */
export function textCapacity(
  { width, height }: Pick<Canvas, 'width' | 'height'>,
  scale: number,
): { readonly letters: number; readonly lines: number } {
  return {
    letters: Math.floor(width / (CELL.width * scale)),
    lines: Math.floor(height / (CELL.height * scale)),
  };
}

/** The size of a line of text in pixels. Combining marks do not count. */
export function textSize(text: string, scale: number): { readonly width: number; readonly height: number } {
  return { width: cellsOf(text).length * CELL.width * scale, height: CELL.height * scale };
}

/** The largest text size up to {@link textScale} with which lines fit into a box, at least 1. */
export function fittingTextScale(
  canvas: Pick<Canvas, 'width' | 'height'>,
  lines: readonly string[],
  [width, height]: readonly [width: number, height: number],
): number {
  const broad = lines.reduce((most, line) => Math.max(most, textSize(line, 1).width), 1);
  const high = Math.max(1, lines.length) * CELL.height;
  const fitting = Math.floor(Math.min(width / broad, height / high));
  return Math.max(1, Math.min(fitting, textScale(canvas)));
}

/** Breaks texts into lines of at most this many letters. Combining marks do not count. */
export function brokenLines(texts: readonly string[], letters: number): readonly string[] {
  return texts.flatMap((text) => {
    const cells = cellsOf(text);
    return Array.from({ length: Math.ceil(cells.length / letters) }, (_, line) =>
      cells.slice(line * letters, (line + 1) * letters).join(''),
    );
  });
}

/** Draws a line of text with a black edge. `x` and `y`: the top left corner of the first cell. Pixels outside are left out. */
export function drawText(
  canvas: Canvas,
  text: string,
  x: number,
  y: number,
  scale: number,
  colour = WHITE,
): void {
  const dots = dotsOf(text);
  const at = ({ column, row }: Dot) => [x + column * scale, y + (row + TOP) * scale] as const;
  for (const dot of dots) {
    const [left, top] = at(dot);
    fillRectangle(canvas, left - scale, top - scale, [3 * scale, 3 * scale], BLACK);
  }
  for (const dot of dots) fillRectangle(canvas, ...at(dot), [scale, scale], colour);
}

interface Dot {
  readonly column: number;
  readonly row: number;
}

/** The letters of a text with their marks. */
function cellsOf(text: string): readonly string[] {
  return latinText(text).match(/\P{M}\p{M}*/gu) ?? [];
}

/** The pixels of a line of text. Row 0 is the top of a capital letter. */
function dotsOf(text: string): readonly Dot[] {
  return cellsOf(text).flatMap((cell, index) => {
    const [letter = ' ', ...accents] = cell;
    const marks = accents.flatMap((accent) => markOf(letter, accent) ?? []);
    const glyph = glyphOf(
      letter,
      marks.some(({ at }) => at < 0),
    );
    return [{ rows: glyph, at: 0 }, ...marks].flatMap(({ rows, at }) =>
      rows.flatMap((row, down) =>
        setBits(row).map((right) => ({ column: index * CELL.width + right, row: at + down })),
      ),
    );
  });
}

function setBits(row: number): readonly number[] {
  return [0, 1, 2, 3, 4].filter((column) => ((row >> (GLYPH.width - 1 - column)) & 1) === 1);
}
