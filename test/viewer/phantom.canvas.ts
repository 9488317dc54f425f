import type { Page } from 'playwright-core';
import { z } from 'zod';
import { THORAX, phantomSlice } from '../../infra/demo/phantom.ts';

const GRID = 96;
// The window of the demo's thorax series: centre 40, width 400.
const DARKEST = -160;
const BRIGHTEST = 240;

const Greys = z.array(z.number());

// The image is square with square pixels. It fills the middle of the canvas. Annotations are on another layer.
const READ_CANVAS = `(() => {
  const canvas = document.querySelector('canvas.cornerstone-canvas');
  const context = canvas?.getContext('2d');
  if (!context || canvas.width === 0 || canvas.height === 0) return [];
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const side = Math.min(canvas.width, canvas.height);
  const left = (canvas.width - side) / 2;
  const top = (canvas.height - side) / 2;
  const greys = [];
  for (let row = 0; row < ${GRID}; row += 1) {
    for (let column = 0; column < ${GRID}; column += 1) {
      const x = Math.floor(left + ((column + 0.5) / ${GRID}) * side);
      const y = Math.floor(top + ((row + 0.5) / ${GRID}) * side);
      greys.push(data[4 * (y * canvas.width + x)]);
    }
  }
  return greys;
})()`;

/** The grey values of the viewer's canvas on a grid over the image, row by row. The list is empty if there is no canvas. */
export async function shownGreys(page: Page): Promise<number[]> {
  return Greys.parse(await page.evaluate(READ_CANVAS));
}

/** The grey values that a slice of the thorax phantom should have on the same grid. */
function expectedGreys(index: number): number[] {
  const slice = phantomSlice(index);
  return Array.from({ length: GRID * GRID }, (_, at) => {
    const row = Math.floor(((Math.floor(at / GRID) + 0.5) / GRID) * THORAX.rows);
    const column = Math.floor((((at % GRID) + 0.5) / GRID) * THORAX.columns);
    const hounsfield = slice[row * THORAX.columns + column] ?? 0;
    return (255 * (Math.min(BRIGHTEST, Math.max(DARKEST, hounsfield)) - DARKEST)) / (BRIGHTEST - DARKEST);
  });
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Pearson's correlation of two grids of the same length. It is 1 for the same image, and 0 if one grid is empty or uniform. */
function correlation(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length || a.length === 0) return 0;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [both, onlyA, onlyB] = [0, 0, 0];
  for (const [at, value] of a.entries()) {
    const [da, db] = [value - meanA, (b[at] ?? 0) - meanB];
    both += da * db;
    onlyA += da * da;
    onlyB += db * db;
  }
  return onlyA === 0 || onlyB === 0 ? 0 : both / Math.sqrt(onlyA * onlyB);
}

let expected: number[][] | undefined;

/** The slice that is most similar to `shown`, and the correlation of the two. */
export function bestMatch(shown: readonly number[]): { index: number; likeness: number } {
  expected ??= Array.from({ length: THORAX.slices }, (_, index) => expectedGreys(index));
  const likenesses = expected.map((greys) => correlation(shown, greys));
  const likeness = Math.max(...likenesses);
  return { index: likenesses.indexOf(likeness), likeness };
}
