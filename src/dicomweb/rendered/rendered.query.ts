import { z } from 'zod';
import { BadRequest } from '../../problems/errors.js';
import { queryPairs } from '../http/query.pairs.js';

/**
 * A window in modality units. Black is `center - width / 2` and white is `center + width / 2`. This is the function LINEAR_EXACT (PS3.3
 * C.11.2.1.3.2), which the archive applies.
 */
export interface Window {
  readonly center: number;
  readonly width: number;
}

/**
 * The rendering parameters (PS3.18 §8.3.5). `viewport`: a box in pixels into which the picture is fitted. `quality`: the JPEG quality, from
 * 1 to 100.
 */
export interface RenderedQuery {
  readonly viewport?: { readonly width: number; readonly height: number } | undefined;
  readonly window?: Window | undefined;
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
/** The width of a window minus its width in LINEAR_EXACT, by function, in modality units. */
const NARROWER_BY = { linear: 1, 'linear-exact': 0 } as const;
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

function readWindow(text: string): Window {
  const [center = '', width = '', shape = 'linear', ...more] = text.split(',');
  const name = shape.toLowerCase();
  if (name !== 'linear' && name !== 'linear-exact')
    throw new BadRequest('invalid-parameter', 'Unknown window function. Use linear or linear-exact.');
  if (!DECIMAL.test(center) || !DECIMAL.test(width) || Number(width) < 1 || more.length > 0)
    throw new BadRequest(
      'invalid-parameter',
      'Invalid window. Use window=center,width,function, with numbers and a width of at least 1.',
    );
  return windowOf(Number(center), Number(width), name);
}

/**
 * Converts a window to LINEAR_EXACT for the archive. Both ends of a LINEAR window (PS3.3 C.11.2.1.2.1) are pixel values. So a LINEAR window
 * is the same as a LINEAR_EXACT window whose center is half a unit lower and whose width is one unit smaller.
 */
export function windowOf(center: number, width: number, name: keyof typeof NARROWER_BY): Window {
  const exact = { center: center - NARROWER_BY[name] / 2, width: width - NARROWER_BY[name] };
  const { center: middle, width: span } = exact.width < 1 ? widened(exact) : exact;
  return { center: decimal(middle), width: decimal(span) };
}

/**
 * Replaces a window that is narrower than 1, because the archive needs a width of at least 1. Both windows show every whole pixel value
 * with the same brightness, because the narrower window contains at most one whole number.
 */
function widened({ center, width }: Window): Window {
  const from = center - width / 2;
  const whole = Math.ceil(from);
  const share = whole === from ? 0 : Math.min(1, (whole - from) / width);
  return { center: whole - share + 0.5, width: 1 };
}

/** Rounds to six decimals, so that a very small number is not written with an exponent. */
function decimal(value: number): number {
  return Number(value.toFixed(6));
}

function readQuality(text: string): number {
  const quality = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (quality < 1 || quality > 100)
    throw new BadRequest('invalid-parameter', 'Invalid quality. Use a whole number from 1 to 100.');
  return quality;
}
