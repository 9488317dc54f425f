import { z } from 'zod';
import { BadRequest } from '../../problems/errors.js';
import { queryPairs } from './query.pairs.js';

/** One media range of an Accept header (RFC 9110 §12.5.1). Names are in lower case, and parameter values have no quotes. */
export interface MediaRange {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly q: number;
  /** Types that belong to this range but are also listed separately. This range does not cover them (RFC 9110 §12.5.1). */
  readonly except?: readonly string[];
}

/** The two parts of a request that list accepted media types. */
export interface AcceptSources {
  /** The query string as it was sent: percent-encoded, without the question mark. */
  readonly query: string;
  /** The `Accept` header. */
  readonly accept: string | undefined;
}

/** The query parameter `accept`, which replaces the `Accept` header. */
export const AcceptParameter = z.object({
  accept: z
    .string()
    .optional()
    .describe('Accepted media types; they replace those of the Accept header (PS3.18 §8.3.3.1).'),
});

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z/-]+$/;
const MAX_LENGTH = 2_000;
const MALFORMED = 'Malformed Accept header. Use media ranges separated by commas (RFC 9110 §12.5.1).';

/**
 * The accepted media ranges, the most preferred first. The query parameter `accept` (PS3.18 §8.3.3.1) replaces the header. If both are
 * absent, any media type is accepted. Throws `BadRequest` for a malformed value.
 */
export function acceptedBy({ query, accept }: AcceptSources): readonly MediaRange[] {
  // Clients often do not encode the plus of `application/dicom+json`. A plus is never a space here, because a media type contains no space.
  const parameters = [...queryPairs(query.replaceAll('+', '%2B'))];
  const given = parameters.filter(([name]) => name === 'accept').map(([, value]) => value);
  if (given.length > 1)
    throw new BadRequest('duplicate-parameter', 'The parameter accept is repeated. Use it once.');
  const text = given[0] ?? accept ?? '';
  return parseAccept(text === '' ? '*/*' : text);
}

/**
 * Parses an `Accept` header into media ranges, the most preferred first. Parameter values may be quoted or unquoted. Throws `BadRequest`
 * when the header is malformed.
 */
export function parseAccept(text: string): readonly MediaRange[] {
  if (text.length > MAX_LENGTH)
    throw new BadRequest(
      'invalid-accept',
      `The Accept header is too long. Use at most ${MAX_LENGTH} characters.`,
    );
  const ranges = split(text, ',')
    .filter((part) => part !== '')
    .map(parseRange);
  return ranges
    .map((range) => narrowed(range, ranges))
    .filter((range) => range.q > 0)
    .sort((one, other) => other.q - one.q);
}

/**
 * Returns a wildcard range without the types that the header lists separately. A listed type with parameters is not excluded, because its
 * range covers only a part of this type.
 */
function narrowed(range: MediaRange, ranges: readonly MediaRange[]): MediaRange {
  if (!range.type.endsWith('/*')) return range;
  const except = ranges
    .filter(
      ({ type, parameters }) => type !== range.type && [...parameters.keys()].every((name) => name === 'q'),
    )
    .map(({ type }) => type)
    .filter((type) => isWithin(type, range.type));
  return { ...range, except };
}

function parseRange(part: string): MediaRange {
  const [type = '', ...rest] = split(part, ';');
  if (!/^[^/]+\/[^/]+$/.test(type) || !TOKEN.test(type)) throw new BadRequest('invalid-accept', MALFORMED);
  const parameters = new Map<string, string>();
  for (const parameter of rest) {
    if (parameter === '') continue;
    const equals = parameter.indexOf('=');
    if (equals < 1) throw new BadRequest('invalid-accept', MALFORMED);
    parameters.set(
      parameter.slice(0, equals).trim().toLowerCase(),
      unquote(parameter.slice(equals + 1).trim()),
    );
  }
  const q = parameters.get('q') ?? '1';
  if (!/^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(q)) throw new BadRequest('invalid-accept', MALFORMED);
  return { type: type.toLowerCase(), parameters, q: Number(q) };
}

/** Splits a text at each separator that is outside quotes, and trims the parts. */
function split(text: string, separator: string): string[] {
  const parts: string[] = [];
  let part = '';
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === '\\' && quoted) {
      part += character + text.charAt((at += 1));
      continue;
    }
    if (character === '"') quoted = !quoted;
    if (character === separator && !quoted) {
      parts.push(part.trim());
      part = '';
    } else part += character;
  }
  if (quoted) throw new BadRequest('invalid-accept', MALFORMED);
  return [...parts, part.trim()];
}

/**
 * Returns a token unchanged, and a quoted string without its quotes. A token may contain `/`, because clients often do not quote media
 * types.
 */
function unquote(value: string): string {
  if (TOKEN.test(value)) return value;
  const [, quoted] = /^"((?:[^"\\]|\\.)*)"$/.exec(value) ?? [];
  if (quoted === undefined) throw new BadRequest('invalid-accept', MALFORMED);
  return quoted.replace(/\\(.)/g, '$1');
}

/** Whether a media range covers a media type, or another range such as `image/*`. */
export function covers(range: MediaRange, type: string): boolean {
  return isWithin(type, range.type) && range.except?.some((other) => isWithin(type, other)) !== true;
}

function isWithin(type: string, range: string): boolean {
  return range === type || range === '*/*' || range === `${type.split('/')[0]}/*`;
}
