import { attributesAt, type Search } from '../../catalog/search.service.js';
import { CATALOG_ATTRIBUTES, type CatalogAttribute, type Level } from '../../catalog/search.attributes.js';
import type { Match } from '../../catalog/search.matching.js';
import { trimPadding } from '../../dicom/padding.js';
import { BadRequest } from '../../problems/errors.js';

/** A parsed query and what of it was not understood. */
export interface QidoQuery {
  readonly search: Search;
  readonly unknownKeys: readonly string[];
  /** What `includefield` names beside the catalog's own attributes. */
  readonly include: Include;
}

/** Attributes by tag, by a keyword that the catalog does not know, or all of the level. */
export interface Include {
  readonly all: boolean;
  readonly tags: readonly string[];
  readonly keywords: readonly string[];
}

/** How many are answered when the client does not say, and at most (contract.md). */
const PAGES = { root: { usual: 100, most: 1_000 }, below: { usual: 50_000, most: 50_000 } } as const;
/** The longest page whose items are looked up in the archive too. */
const LOOKED_UP = 1_000;
/** Attributes one request may name. */
const INCLUDED = 200;
/** Values of a list, at most: the database compares each of them with each study. Defined modalities are about a hundred (PS3.3 C.7.3.1.1.1). */
const LISTED = { uid: 500, set: 100 } as const;
/** Characters of one value: a name has 194 at most, in three groups of 64 (PS3.5 §6.2). */
const LONGEST = 256;
const TAG = /^[0-9a-fA-F]{8}$/;

/** By keyword or tag; on a path into a sequence each step is one or the other (PS3.18 §8.3.4.1). */
const BY_NAME = new Map<string, CatalogAttribute>(
  CATALOG_ATTRIBUTES.flatMap((attribute) =>
    pathsOf(attribute.tag.split('.'), attribute.keyword.split('.')).map((path) => [path, attribute] as const),
  ),
);

function pathsOf(
  [tag = '', ...tags]: readonly string[],
  [keyword = '', ...rest]: readonly string[],
): string[] {
  if (tags.length === 0) return [tag, keyword];
  return pathsOf(tags, rest).flatMap((path) => [`${tag}.${path}`, `${keyword}.${path}`]);
}

function attributeOf(name: string): CatalogAttribute | undefined {
  const steps = name.split('.').map((step) => (TAG.test(step) ? step.toUpperCase() : step));
  return BY_NAME.get(steps.join('.'));
}

/** Parameters that are no keys (PS3.18 §8.3.4); `includefield` is one more, which may be repeated. */
const PARAMETERS = new Set(['limit', 'offset', 'fuzzymatching', 'accept']);

/**
 * Parses a query string (PS3.18 §8.3.4): keyword or tag keys, each once; percent-decoded as UTF-8; an empty value matches all.
 * Throws `BadRequest` for a repeated key or a value its key cannot have.
 */
export function parseQidoQuery(raw: string, level: Level, page: keyof typeof PAGES): QidoQuery {
  const filters = new Map<CatalogAttribute, Match | undefined>();
  const parameters = new Map<string, string>();
  const unknownKeys = new Set<string>();
  const included: string[] = [];
  for (const [name, value] of pairs(raw)) {
    if (name === 'includefield') {
      included.push(...value.split(','));
      continue;
    }
    if (PARAMETERS.has(name)) {
      if (parameters.has(name))
        throw new BadRequest('duplicate-parameter', `The parameter ${name} may be given once.`);
      parameters.set(name, value);
      continue;
    }
    const attribute = attributeOf(name);
    if (attribute === undefined || !attributesAt(level).includes(attribute)) {
      if (unknownKeys.has(name)) throw new BadRequest('duplicate-parameter', 'Each key may be given once.');
      unknownKeys.add(name);
      continue;
    }
    if (filters.has(attribute))
      throw new BadRequest('duplicate-parameter', `The key ${attribute.keyword} may be given once.`);
    filters.set(attribute, parseMatch(attribute, value));
  }
  const { usual, most } = PAGES[page];
  const include = parseInclude(included);
  const longest = asksArchive(include) ? Math.min(most, LOOKED_UP) : most;
  return {
    search: {
      level,
      filters: [...filters].flatMap(([attribute, match]) =>
        match === undefined ? [] : [{ attribute, match }],
      ),
      limit: Math.min(count('limit', parameters.get('limit')) ?? usual, longest),
      offset: count('offset', parameters.get('offset')) ?? 0,
      fuzzy: claim('fuzzymatching', parameters.get('fuzzymatching')),
    },
    unknownKeys: [...unknownKeys],
    include,
  };
}

/**
 * What `includefield` names (PS3.18 §8.3.4.3). The catalog's own attributes are answered anyway, or, kept below the level, have no one value
 * there; of a path into a sequence the sequence is answered.
 */
function parseInclude(names: readonly string[]): Include {
  if (names.length > INCLUDED)
    throw new BadRequest('too-many-values', `includefield names at most ${INCLUDED} attributes.`);
  const tops = names.map((name) => name.trim().split('.')[0] ?? '').filter((name) => name !== '');
  const others = tops.filter(
    (name) => name !== 'all' && !BY_NAME.has(name.toUpperCase()) && !BY_NAME.has(name),
  );
  return {
    all: tops.includes('all'),
    tags: others.filter((name) => TAG.test(name)).map((tag) => tag.toUpperCase()),
    keywords: others.filter((name) => !TAG.test(name)),
  };
}

/** Whether the archive must be asked for what is included. */
function asksArchive({ all, tags, keywords }: Include): boolean {
  return all || tags.length > 0 || keywords.length > 0;
}

/** Name and value of each parameter, decoded once, `+` as the space that forms and Python write so. Bytes that are no UTF-8, and NUL, are refused. */
export function* pairs(raw: string): Generator<readonly [string, string]> {
  for (const piece of raw.split('&')) {
    if (piece === '') continue;
    const equals = piece.indexOf('=');
    const name = equals === -1 ? piece : piece.slice(0, equals);
    const value = equals === -1 ? '' : piece.slice(equals + 1);
    yield [decode(name), decode(value)];
  }
}

function decode(text: string): string {
  try {
    const decoded = decodeURIComponent(text.replaceAll('+', ' '));
    if (!decoded.includes('\0')) return decoded;
  } catch {
    // Answered below, together with NUL.
  }
  throw new BadRequest('invalid-parameter', 'The query is not valid percent-encoded UTF-8.');
}

function count(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d{1,9}$/.test(value)) throw new BadRequest('invalid-parameter', `${name} must be a whole number.`);
  return Number(value);
}

function claim(name: string, value: string | undefined): boolean {
  if (value !== undefined && value !== 'true' && value !== 'false')
    throw new BadRequest('invalid-parameter', `${name} must be true or false.`);
  return value === 'true';
}

const UID = /^[0-9.]{1,64}$/;
const DATE = /^\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$/;
// A minute may have 61 seconds (PS3.5 §6.2).
const TIME = /^([01]\d|2[0-3])([0-5]\d(([0-5]\d|60)(\.\d{1,6})?)?)?$/;

/** PatientID, its issuer and the institution are compared as they are but for padding: scopes of grants are made of them. */
const KEYS = new Set(['00100020', '00100021', '00080080']);

/** Spaces around a value are no part of it (PS3.5 §6.2), nor are other blanks where it is no key. */
function parseMatch(attribute: CatalogAttribute, written: string): Match | undefined {
  const value = KEYS.has(attribute.tag) ? trimPadding(written) : written.trim();
  if (value === '') return undefined;
  const bad = () => new BadRequest('invalid-parameter', `The value of ${attribute.keyword} is not valid.`);
  switch (attribute.matching) {
    case 'uid': {
      const values = listOf(attribute, value, LISTED.uid);
      if (!values.every((uid) => UID.test(uid))) throw bad();
      return values.length === 1 ? { kind: 'value', value } : { kind: 'list', values };
    }
    case 'date':
      return parseMoment(value.replaceAll('.', ''), DATE, bad);
    case 'time':
      return parseMoment(exactly(value.replaceAll(':', '')), TIME, bad);
    case 'number':
      if (!/^[+-]?\d{1,9}$/.test(value)) throw bad();
      return { kind: 'value', value };
    case 'set': {
      // A code string holds neither comma nor backslash; OHIF asks for several modalities so.
      const values = listOf(attribute, value, LISTED.set);
      return values.some((one) => /^\**$/.test(one)) ? undefined : { kind: 'list', values };
    }
    case 'name':
      // Of each component group everything.
      if (/^[*=]+$/.test(value)) return undefined;
      return { kind: 'value', value: short(attribute, value) };
    case 'text':
    case 'folded':
    case 'item':
      return /^\*+$/.test(value) ? undefined : { kind: 'value', value: short(attribute, value) };
  }
}

/** The values of a list by comma or backslash. `BadRequest` beyond `most`. */
function listOf(attribute: CatalogAttribute, written: string, most: number): string[] {
  const values = written.split(/[,\\]/);
  if (values.length > most)
    throw new BadRequest(
      'too-many-values',
      `${attribute.keyword} takes at most ${most} values. Ask in several searches.`,
    );
  return values.map((value) => short(attribute, value).trim());
}

/** `BadRequest` when one value is longer than any can be. */
function short(attribute: CatalogAttribute, value: string): string {
  if (value.length <= LONGEST) return value;
  throw new BadRequest(
    'invalid-parameter',
    `The value of ${attribute.keyword} has more than ${LONGEST} characters. Shorten it.`,
  );
}

/** A time without the zeros that its fraction ends in: they are the same moment. */
function exactly(time: string): string {
  return /^\d{6}\.\d{1,6}$/.test(time) ? time.replace(/\.?0+$/, '') : time;
}

function parseMoment(value: string, shape: RegExp, bad: () => BadRequest): Match {
  const ends = value.split('-');
  const [from = '', to] = ends;
  if (ends.length > 2 || ends.some((end) => end !== '' && !shape.test(end))) throw bad();
  if (to === undefined) return { kind: 'value', value };
  if (from === '' && to === '') throw bad();
  return { kind: 'range', from: from || undefined, to: to || undefined };
}
