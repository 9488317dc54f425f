import type { FastifyRequest } from 'fastify';
import { BadRequest } from '../../problems/errors.js';
import { pairs } from '../qido/qido.query.js';
import { queryOf } from './uid.params.js';

/** One media range of an Accept header (RFC 9110 §12.5.1): names in lower case, parameter values unquoted. */
export interface MediaRange {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly q: number;
  /** Types that the same header speaks of by themselves, so that this wider range does not (RFC 9110 §12.5.1). */
  readonly besides?: readonly string[];
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z/-]+$/;
const LONGEST = 2_000;

/** What the client takes, best first: the query parameter `accept` (PS3.18 §8.3.3.1) before the header; nothing said is any type. */
export function acceptedBy(request: FastifyRequest): readonly MediaRange[] {
  // The plus of `application/dicom+json` is often left as it is; a media type holds no space.
  const query = queryOf(request).replaceAll('+', '%2B');
  const given = [...pairs(query)].filter(([name]) => name === 'accept').map(([, value]) => value);
  if (given.length > 1)
    throw new BadRequest('duplicate-parameter', 'The parameter accept may be given once.');
  const text = given[0] ?? request.headers.accept ?? '';
  return parseAccept(text === '' ? '*/*' : text);
}

/** Parses strictly, but takes parameter values quoted or not; throws `BadRequest` for what is no Accept header. */
export function parseAccept(text: string): readonly MediaRange[] {
  if (text.length > LONGEST) throw new BadRequest('invalid-accept', 'The Accept header is too long.');
  const ranges = split(text, ',')
    .filter((part) => part !== '')
    .map(parseRange);
  return ranges
    .map((range) => narrowed(range, ranges))
    .filter((range) => range.q > 0)
    .sort((one, other) => other.q - one.q);
}

/** A wide range without what the narrower ones of its header are of. One with parameters is of some things of its type alone. */
function narrowed(range: MediaRange, ranges: readonly MediaRange[]): MediaRange {
  if (!range.type.endsWith('/*')) return range;
  const besides = ranges
    .filter(
      ({ type, parameters }) => type !== range.type && [...parameters.keys()].every((name) => name === 'q'),
    )
    .map(({ type }) => type)
    .filter((type) => isWithin(type, range.type));
  return { ...range, besides };
}

function parseRange(part: string): MediaRange {
  const [type = '', ...rest] = split(part, ';');
  if (!/^[^/]+\/[^/]+$/.test(type) || !TOKEN.test(type))
    throw new BadRequest('invalid-accept', 'The Accept header is malformed.');
  const parameters = new Map<string, string>();
  for (const parameter of rest) {
    if (parameter === '') continue;
    const equals = parameter.indexOf('=');
    if (equals < 1) throw new BadRequest('invalid-accept', 'The Accept header is malformed.');
    parameters.set(
      parameter.slice(0, equals).trim().toLowerCase(),
      unquote(parameter.slice(equals + 1).trim()),
    );
  }
  const q = parameters.get('q') ?? '1';
  if (!/^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(q))
    throw new BadRequest('invalid-accept', 'The Accept header is malformed.');
  return { type: type.toLowerCase(), parameters, q: Number(q) };
}

/** Splits at a separator outside quotes and trims. */
function split(text: string, separator: string): string[] {
  const parts: string[] = [];
  let part = '';
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text.charAt(at);
    if (letter === '\\' && quoted) {
      part += letter + text.charAt((at += 1));
      continue;
    }
    if (letter === '"') quoted = !quoted;
    if (letter === separator && !quoted) {
      parts.push(part.trim());
      part = '';
    } else part += letter;
  }
  if (quoted) throw new BadRequest('invalid-accept', 'The Accept header is malformed.');
  return [...parts, part.trim()];
}

/** A token, or a quoted string without its quotes; media types are often left unquoted, so `/` passes in a token. */
function unquote(value: string): string {
  if (TOKEN.test(value)) return value;
  const [, quoted] = /^"((?:[^"\\]|\\.)*)"$/.exec(value) ?? [];
  if (quoted === undefined) throw new BadRequest('invalid-accept', 'The Accept header is malformed.');
  return quoted.replace(/\\(.)/g, '$1');
}

/** Whether a range covers a media type; `image/*` and any type are ranges. */
export function covers(range: MediaRange, type: string): boolean {
  return isWithin(type, range.type) && range.besides?.some((other) => isWithin(type, other)) !== true;
}

function isWithin(type: string, range: string): boolean {
  return range === type || range === '*/*' || range === `${type.split('/')[0]}/*`;
}
