import type { FastifyRequest } from 'fastify';
import { BadRequest } from '../../problems/errors.js';
import { pairs } from '../qido/qido.query.js';
import { queryOf } from '../http/uid.params.js';

/** From `center - width / 2` (black) to `center + width / 2` (white) in modality units: LINEAR_EXACT of PS3.3 C.11.2.1.3.2, which is what the archive does. */
export interface Window {
  readonly center: number;
  readonly width: number;
}

/** How a picture is wanted (PS3.18 §8.3.5): a box in pixels it is fitted into, a window, JPEG's quality. */
export interface RenderedQuery {
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly window?: Window;
  readonly quality?: number;
}

/** Pixels of the longest side of a picture. */
export const LARGEST_SIDE = 4096;
/** Units by which a function's window is narrower than it says. */
const LESS = { linear: 1, 'linear-exact': 0 } as const;
const DECIMAL = /^[+-]?\d{1,9}(\.\d{1,9})?$/;

/** Reads `viewport`, `window` and `quality`, each once; other parameters are ignored. Throws `BadRequest`. */
export function readRenderedQuery(request: FastifyRequest): RenderedQuery {
  const given = new Map<string, string>();
  for (const [name, value] of pairs(queryOf(request))) {
    if (!['viewport', 'window', 'quality'].includes(name)) continue;
    if (given.has(name))
      throw new BadRequest('duplicate-parameter', `The parameter ${name} may be given once.`);
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
    throw new BadRequest(
      'unsupported-parameter',
      'A viewport that cuts out a region is not offered: viewport=width,height.',
    );
  const [width, height] = parts.map((part) => (/^[1-9]\d{0,3}$/.test(part) ? Number(part) : undefined));
  if (width === undefined || height === undefined || Math.max(width, height) > LARGEST_SIDE)
    throw new BadRequest(
      'invalid-parameter',
      `viewport is width,height in pixels, each from 1 to ${LARGEST_SIDE}.`,
    );
  return { width, height };
}

function readWindow(text: string): Window {
  const [center = '', width = '', shape = 'linear', ...more] = text.split(',');
  const name = shape.toLowerCase();
  if (name !== 'linear' && name !== 'linear-exact')
    throw new BadRequest('invalid-parameter', 'The functions of a window are linear and linear-exact.');
  if (!DECIMAL.test(center) || !DECIMAL.test(width) || Number(width) < 1 || more.length > 0)
    throw new BadRequest(
      'invalid-parameter',
      'window is center,width,function with numbers, the width at least 1.',
    );
  return windowOf(Number(center), Number(width), name);
}

/** LINEAR (PS3.3 C.11.2.1.2.1) is the exact one half a unit lower and a unit narrower: its ends are values of pixels. */
export function windowOf(center: number, width: number, name: keyof typeof LESS): Window {
  const exact = { center: center - LESS[name] / 2, width: width - LESS[name] };
  const { center: middle, width: span } = exact.width < 1 ? widened(exact) : exact;
  return { center: decimal(middle), width: decimal(span) };
}

/** The archive's windows are a unit wide at least: the one that shows whole numbers as this narrower one does, in which there is one of them at most. */
function widened({ center, width }: Window): Window {
  const from = center - width / 2;
  const within = Math.ceil(from);
  const share = within === from ? 0 : Math.min(1, (within - from) / width);
  return { center: within - share + 0.5, width: 1 };
}

/** Without the exponent of a very small number. */
function decimal(value: number): number {
  return Number(value.toFixed(6));
}

function readQuality(text: string): number {
  const quality = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (quality < 1 || quality > 100)
    throw new BadRequest('invalid-parameter', 'quality is a whole number from 1 to 100.');
  return quality;
}
