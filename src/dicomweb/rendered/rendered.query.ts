import { z } from 'zod';
import { COLOUR_SPACES, type ColourSpaceName } from '../../pixels/colours/known.profiles.js';
import { type Annotation, ANNOTATIONS } from '../../pixels/marks/captions.js';
import type { SourceRegion, Viewport } from '../../pixels/viewport.js';
import { isValidWindow, type VoiWindow } from '../../pixels/voi.functions.js';
import { BadRequest } from '../../problems/errors.js';
import type { NamedState } from '../pixels/applied.states.js';
import { queryPairs } from '../http/query.pairs.js';

/** The rendering parameters (PS3.18 §8.3.5). `quality`: the JPEG quality, from 1 to 100. */
export interface RenderedQuery {
  readonly viewport?: Viewport | undefined;
  readonly window?: VoiWindow | undefined;
  readonly quality?: number | undefined;
  readonly annotation?: readonly Annotation[] | undefined;
  /** `yes`: the colour space of the image. `undefined`: no profile. */
  readonly iccprofile?: 'yes' | ColourSpaceName | undefined;
  /** The presentation state that is applied, only by the URI service. */
  readonly state?: NamedState | undefined;
}

/** The query parameters of a rendered resource. */
export const RenderedParameters = z.object({
  viewport: z
    .string()
    .transform(readViewport)
    .optional()
    .describe(
      'The box that the picture fits into, in pixels: width,height. A region of the image can follow: ,left,top,width,height, in pixels ' +
        'of the image. Each of its numbers may be empty. A negative width or height flips the region (PS3.18 §8.3.5.1.3).',
    ),
  window: z
    .string()
    .transform(readWindow)
    .optional()
    .describe(
      'The window: center,width,function, in modality units. Functions: linear, linear-exact, sigmoid (PS3.18 §8.3.5.1.4).',
    ),
  quality: z.string().transform(readQuality).optional().describe('The quality of a JPEG, 1 to 100.'),
  annotation: z
    .string()
    .transform(readAnnotation)
    .optional()
    .describe(
      'What is drawn into the picture: patient, technique (PS3.18 §8.3.5.1.1) and overlays, separated by commas. Other keywords are ' +
        'ignored with a Warning header.',
    ),
  iccprofile: z
    .string()
    .transform(readProfile)
    .optional()
    .describe('The ICC profile of the picture: no, yes, srgb, adobergb or rommrgb (PS3.18 §8.3.5.1.5).'),
});

/** The longest side of a picture, in pixels. */
export const MAX_SIDE = 4096;
/** The supported functions of a window (PS3.18 §8.3.5.1.4). */
const SHAPES: ReadonlyMap<string, VoiWindow['shape']> = new Map([
  ['linear', 'LINEAR'],
  ['linear-exact', 'LINEAR_EXACT'],
  ['sigmoid', 'SIGMOID'],
]);
const KEYWORD = /^[A-Za-z][A-Za-z0-9-]{0,31}$/;
const MAX_KEYWORDS = 16;
const DECIMAL = /^[+-]?\d{1,9}(\.\d{1,9})?$/;

/**
 * Parses the rendering parameters of a query string. Each may occur only once. Other parameters are ignored. Throws `BadRequest`.
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

function readViewport(text: string): Viewport {
  const parts = text.split(',');
  const [width = 0, height = 0] = parts.map((part) => (/^[1-9]\d{0,3}$/.test(part) ? Number(part) : 0));
  const region = parts.slice(2).map((part) => (part === '' || DECIMAL.test(part) ? part : undefined));
  const isOfPixels = Math.min(width, height) >= 1 && Math.max(width, height) <= MAX_SIDE;
  const source = region.length > 4 || region.includes(undefined) ? undefined : sourceOf(region);
  if (!isOfPixels || source === undefined)
    throw new BadRequest(
      'invalid-parameter',
      `Invalid viewport. Use viewport=width,height, in pixels from 1 to ${MAX_SIDE}, or ` +
        'viewport=width,height,left,top,width,height with a region that is not empty.',
    );
  return region.some((part) => part !== '') ? { width, height, source } : { width, height };
}

/** The region of the image. Each of the four numbers can be absent. `undefined` for a region without pixels. */
function sourceOf(region: readonly (string | undefined)[]): SourceRegion | undefined {
  const [left, top, width, height] = [0, 1, 2, 3].map((at) =>
    region[at] === undefined || region[at] === '' ? undefined : Number(region[at]),
  );
  const isValid = (left ?? 0) >= 0 && (top ?? 0) >= 0 && width !== 0 && height !== 0;
  return isValid ? { left: left ?? 0, top: top ?? 0, width, height } : undefined;
}

function readWindow(text: string): VoiWindow {
  const [center = '', width = '', name = 'linear', ...more] = text.split(',');
  const shape = SHAPES.get(name.toLowerCase());
  if (shape === undefined)
    throw new BadRequest(
      'invalid-parameter',
      'Unknown window function. Use linear, linear-exact or sigmoid.',
    );
  const window = { center: Number(center), width: Number(width), shape };
  if (!DECIMAL.test(center) || !DECIMAL.test(width) || !isValidWindow(window) || more.length > 0)
    throw new BadRequest(
      'invalid-parameter',
      'Invalid window. Use window=center,width,function, with numbers. The width of linear is at least 1, and other widths are above 0.',
    );
  return window;
}

function readQuality(text: string): number {
  const quality = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (quality < 1 || quality > 100)
    throw new BadRequest('invalid-parameter', 'Invalid quality. Use a whole number from 1 to 100.');
  return quality;
}

/** The known keywords, each once and in a fixed order, so that equal pictures have equal entity tags. */
function readAnnotation(text: string): readonly Annotation[] {
  const keywords = keywordsOf(text);
  return ANNOTATIONS.filter((one) => keywords.includes(one));
}

function keywordsOf(text: string): readonly string[] {
  const keywords = text.split(',').map((one) => one.trim());
  if (keywords.length > MAX_KEYWORDS || !keywords.every((one) => KEYWORD.test(one)))
    throw new BadRequest(
      'invalid-parameter',
      `Invalid annotation. Use keywords separated by commas: ${ANNOTATIONS.join(', ')}.`,
    );
  return keywords;
}

/** The keywords of `annotation` that are not supported (PS3.18 §8.3.5.1.1). */
export function unsupportedAnnotations(query: string): readonly string[] {
  const known: readonly string[] = ANNOTATIONS;
  const asked = [...queryPairs(query)].filter(([name]) => name === 'annotation');
  return asked.flatMap(([, value]) => keywordsOf(value)).filter((one) => !known.includes(one));
}

function readProfile(text: string): RenderedQuery['iccprofile'] {
  if (text === 'no') return undefined;
  const found = (['yes', ...COLOUR_SPACES] as const).find((one) => one === text);
  if (found !== undefined) return found;
  throw new BadRequest(
    'invalid-parameter',
    `Invalid iccprofile. Use no, yes, ${COLOUR_SPACES.slice(0, -1).join(', ')} or ${COLOUR_SPACES.at(-1)}.`,
  );
}
