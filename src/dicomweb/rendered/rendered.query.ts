import { z } from 'zod';
import type { VoiWindow } from '../../pixels/voi.functions.js';
import { BadRequest } from '../../problems/errors.js';
import { queryPairs } from '../http/query.pairs.js';

/**
 * The rendering parameters (PS3.18 §8.3.5). `viewport`: a box in pixels into which the picture is fitted. `quality`: the JPEG quality, from
 * 1 to 100.
 */
export interface RenderedQuery {
  readonly viewport?: { readonly width: number; readonly height: number } | undefined;
  readonly window?: VoiWindow | undefined;
  readonly quality?: number | undefined;
}

/** The query parameters of a rendered resource. */
export const RenderedParameters = z.object({
  viewport: z
    .string()
    .transform(readViewport)
    .optional()
    .describe('The box that the picture fits into, in pixels: width,height.'),
  window: z
    .string()
    .transform(readWindow)
    .optional()
    .describe('The window: center,width,linear or linear-exact, in modality units.'),
  quality: z.string().transform(readQuality).optional().describe('The quality of a JPEG, 1 to 100.'),
});

/** The longest side of a picture, in pixels. */
export const MAX_SIDE = 4096;
/** The supported functions of a window (PS3.18 §8.3.5.1.4). */
const SHAPES: ReadonlyMap<string, 'LINEAR' | 'LINEAR_EXACT'> = new Map([
  ['linear', 'LINEAR'],
  ['linear-exact', 'LINEAR_EXACT'],
]);
const DECIMAL = /^[+-]?\d{1,9}(\.\d{1,9})?$/;

/**
 * Parses the parameters `viewport`, `window` and `quality` of a query string. Each may occur only once. Other parameters are ignored.
 * Throws `BadRequest`.
 */
export function parseRenderedQuery(query: string): RenderedQuery {
  const given = new Map<string, string>();
  for (const [name, value] of queryPairs(query)) {
    if (!Object.hasOwn(RenderedParameters.shape, name)) continue;
    if (given.has(name))
      throw new BadRequest('duplicate-parameter', `The parameter ${name} is repeated. Use it once.`);
    given.set(name, value);
  }
  return RenderedParameters.parse(Object.fromEntries(given));
}

function readViewport(text: string): { width: number; height: number } {
  const parts = text.split(',');
  if (parts.length > 2)
    throw new BadRequest(
      'unsupported-parameter',
      'A viewport with a region is not supported. Use viewport=width,height.',
    );
  const [width, height] = parts.map((part) => (/^[1-9]\d{0,3}$/.test(part) ? Number(part) : undefined));
  if (width === undefined || height === undefined || Math.max(width, height) > MAX_SIDE)
    throw new BadRequest(
      'invalid-parameter',
      `Invalid viewport. Use viewport=width,height, in pixels from 1 to ${MAX_SIDE}.`,
    );
  return { width, height };
}

function readWindow(text: string): VoiWindow {
  const [center = '', width = '', name = 'linear', ...more] = text.split(',');
  const shape = SHAPES.get(name.toLowerCase());
  if (shape === undefined)
    throw new BadRequest('invalid-parameter', 'Unknown window function. Use linear or linear-exact.');
  if (!DECIMAL.test(center) || !DECIMAL.test(width) || Number(width) < 1 || more.length > 0)
    throw new BadRequest(
      'invalid-parameter',
      'Invalid window. Use window=center,width,function, with numbers and a width of at least 1.',
    );
  return { center: Number(center), width: Number(width), shape };
}

function readQuality(text: string): number {
  const quality = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (quality < 1 || quality > 100)
    throw new BadRequest('invalid-parameter', 'Invalid quality. Use a whole number from 1 to 100.');
  return quality;
}
