import type { FastifyRequest } from 'fastify';
import { BadRequest } from '../problems/errors.js';
import { pairs } from './qido.query.js';
import { queryOf } from './uid.params.js';

/** How a picture is wanted (PS3.18 §8.3.5): a box in pixels it is fitted into, a window in modality units, JPEG's quality. */
export interface RenderedQuery {
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly window?: { readonly center: number; readonly width: number };
  readonly quality?: number;
}

/** Pixels of the longest side of a picture. */
export const LARGEST_SIDE = 4096;
const DECIMAL = /^[+-]?\d{1,9}(\.\d{1,9})?$/;

/** Reads `viewport`, `window` and `quality`, each once; other parameters are ignored. Throws `BadRequest`. */
export function readRenderedQuery(request: FastifyRequest): RenderedQuery {
  const given = new Map<string, string>();
  for (const [name, value] of pairs(queryOf(request))) {
    if (!['viewport', 'window', 'quality'].includes(name)) continue;
    if (given.has(name)) throw new BadRequest(`The parameter ${name} may be given once.`);
    given.set(name, value);
  }
  const viewport = given.get('viewport');
  const window = given.get('window');
  const quality = given.get('quality');
  return {
    ...(viewport === undefined ? {} : { viewport: readViewport(viewport) }),
    ...(window === undefined ? {} : { window: readWindow(window) }),
    ...(quality === undefined ? {} : { quality: readQuality(quality) }),
  };
}

function readViewport(text: string): { width: number; height: number } {
  const parts = text.split(',');
  if (parts.length > 2)
    throw new BadRequest('A viewport that cuts out a region is not offered: viewport=width,height.');
  const [width, height] = parts.map((part) => (/^[1-9]\d{0,3}$/.test(part) ? Number(part) : undefined));
  if (width === undefined || height === undefined || Math.max(width, height) > LARGEST_SIDE)
    throw new BadRequest(`viewport is width,height in pixels, each from 1 to ${LARGEST_SIDE}.`);
  return { width, height };
}

function readWindow(text: string): { center: number; width: number } {
  const [center = '', width = '', shape = 'linear', ...more] = text.split(',');
  if (!DECIMAL.test(center) || !DECIMAL.test(width) || Number(width) < 1 || more.length > 0)
    throw new BadRequest('window is center,width,function with numbers, the width at least 1.');
  if (shape.toLowerCase() !== 'linear') throw new BadRequest('The only function of a window is linear.');
  return { center: Number(center), width: Number(width) };
}

function readQuality(text: string): number {
  const quality = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (quality < 1 || quality > 100) throw new BadRequest('quality is a whole number from 1 to 100.');
  return quality;
}
