import { attributesAt, type Search } from '../../catalog/search.service.js';
import { CATALOG_ATTRIBUTES, type CatalogAttribute, type Level } from '../../catalog/search.attributes.js';
import type { Match } from '../../catalog/search.matching.js';
import { trimPadding } from '../../dicom/padding.js';
import { BadRequest } from '../../problems/errors.js';
import { queryPairs } from '../http/query.pairs.js';
import { parseSearchParameters, SearchParameters } from './search.parameters.js';

/** A parsed search query. */
export interface QidoQuery {
  readonly search: Search;
  readonly unknownKeys: readonly string[];
  /** The attributes in `includefield` that the catalog does not contain. */
  readonly include: Include;
}

/** Attributes to include: all attributes of the level, or single attributes by tag or keyword. */
export interface Include {
  readonly all: boolean;
  readonly tags: readonly string[];
  readonly keywords: readonly string[];
}

/**
 * The default and the maximum `limit`, for a search of all studies (`root`) and for a search in one study or series (`below`). See
 * docs/conformance.md.
 */
const PAGES = { root: { default: 100, max: 1_000 }, below: { default: 50_000, max: 50_000 } } as const;
/** The maximum `limit` when attributes are read from the archive. */
const MAX_WITH_INCLUDED = 1_000;
/** Largest number of attributes in `includefield`. */
const MAX_INCLUDED = 200;
/**
 * Largest number of values in a list. There is a limit because the database compares each value with each study. For modalities, 100 is
 * enough, because about a hundred are defined (PS3.3 C.7.3.1.1.1).
 */
const MAX_VALUES = { uid: 500, set: 100 } as const;
/**
 * Largest number of characters in one value. A person name has at most 194 characters: three groups of 64, and two separators (PS3.5 §6.2).
 */
const MAX_CHARACTERS = 256;
const TAG = /^[0-9a-fA-F]{8}$/;

/** The attributes by name. A name is a path of keywords or tags, because an attribute can be inside a sequence (PS3.18 §8.3.4.1). */
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

/** The parameters that may occur only once. `includefield` is not one of them. */
const SINGLE = new Set(Object.keys(SearchParameters.omit({ includefield: true }).shape));

/**
 * Parses a query string (PS3.18 §8.3.4). Each key is a keyword or a tag and may occur only once. An empty value matches everything. Throws
 * `BadRequest` for a repeated key and for an invalid value.
 */
export function parseQidoQuery(raw: string, level: Level, page: keyof typeof PAGES): QidoQuery {
  const filters = new Map<CatalogAttribute, Match | undefined>();
  const parameters = new Map<string, string>();
  const unknownKeys = new Set<string>();
  const included: string[] = [];
  for (const [name, value] of queryPairs(raw)) {
    if (name === 'includefield') {
      included.push(...value.split(','));
      continue;
    }
    if (SINGLE.has(name)) {
      if (parameters.has(name))
        throw new BadRequest('duplicate-parameter', `The parameter ${name} is repeated. Use it once.`);
      parameters.set(name, value);
      continue;
    }
    const attribute = attributeOf(name);
    if (attribute === undefined || !attributesAt(level).includes(attribute)) {
      if (unknownKeys.has(name))
        throw new BadRequest('duplicate-parameter', 'A key is repeated. Use each one once.');
      unknownKeys.add(name);
      continue;
    }
    if (filters.has(attribute))
      throw new BadRequest('duplicate-parameter', `The key ${attribute.keyword} is repeated. Use it once.`);
    filters.set(attribute, parseMatch(attribute, value));
  }
  const { default: usual, max } = PAGES[page];
  const include = parseInclude(included);
  const { limit, offset = 0, fuzzymatching = false } = parseSearchParameters(parameters);
  const maxLimit = needsArchive(include) ? Math.min(max, MAX_WITH_INCLUDED) : max;
  return {
    search: {
      level,
      filters: [...filters].flatMap(([attribute, match]) =>
        match === undefined ? [] : [{ attribute, match }],
      ),
      limit: Math.min(limit ?? usual, maxLimit),
      offset,
      fuzzy: fuzzymatching,
    },
    unknownKeys: [...unknownKeys],
    include,
  };
}

/**
 * Parses the names in `includefield` (PS3.18 §8.3.4.3). Attributes that the catalog contains are ignored: they are already in the answer,
 * or they have several values at this level. A path into a sequence includes the whole sequence.
 */
function parseInclude(names: readonly string[]): Include {
  if (names.length > MAX_INCLUDED)
    throw new BadRequest(
      'too-many-values',
      `includefield takes at most ${MAX_INCLUDED} attributes. Name fewer attributes, or use includefield=all.`,
    );
  const topLevel = names.map((name) => name.trim().split('.')[0] ?? '').filter((name) => name !== '');
  const others = topLevel.filter(
    (name) => name !== 'all' && !BY_NAME.has(name.toUpperCase()) && !BY_NAME.has(name),
  );
  return {
    all: topLevel.includes('all'),
    tags: others.filter((name) => TAG.test(name)).map((tag) => tag.toUpperCase()),
    keywords: others.filter((name) => !TAG.test(name)),
  };
}

/** Whether included attributes must be read from the archive. */
function needsArchive({ all, tags, keywords }: Include): boolean {
  return all || tags.length > 0 || keywords.length > 0;
}

const UID = /^[0-9.]{1,64}$/;
const DATE = /^\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$/;
// 60 is a leap second (PS3.5 §6.2).
const TIME = /^([01]\d|2[0-3])([0-5]\d(([0-5]\d|60)(\.\d{1,6})?)?)?$/;

/**
 * PatientID, Issuer of Patient ID and Institution Name. Only DICOM padding is removed from their values, because scopes of grants compare
 * them in the same way.
 */
const EXACT_KEYS = new Set(['00100020', '00100021', '00080080']);

/**
 * Parses the value of a key. Returns `undefined` when the value matches everything. Leading and trailing spaces are not significant (PS3.5
 * §6.2).
 */
function parseMatch(attribute: CatalogAttribute, written: string): Match | undefined {
  const value = EXACT_KEYS.has(attribute.tag) ? trimPadding(written) : written.trim();
  if (value === '') return undefined;
  const invalid = (expected: string) =>
    new BadRequest('invalid-parameter', `Invalid value of ${attribute.keyword}. Use ${expected}.`);
  switch (attribute.matching) {
    case 'uid': {
      const values = listOf(attribute, value, MAX_VALUES.uid);
      if (!values.every((uid) => UID.test(uid))) throw invalid('a UID or a list of UIDs');
      return values.length === 1 ? { kind: 'value', value } : { kind: 'list', values };
    }
    case 'date':
      return parseRange(value.replaceAll('.', ''), DATE, () =>
        invalid('YYYYMMDD, or a range such as YYYYMMDD-YYYYMMDD'),
      );
    case 'time':
      return parseRange(withoutTrailingZeros(value.replaceAll(':', '')), TIME, () =>
        invalid('HHMMSS, or a range such as HHMMSS-HHMMSS'),
      );
    case 'number':
      if (!/^[+-]?\d{1,9}$/.test(value)) throw invalid('a whole number');
      return { kind: 'value', value };
    case 'set': {
      // A code string contains no comma and no backslash. OHIF separates several modalities by commas or backslashes.
      const values = listOf(attribute, value, MAX_VALUES.set);
      return values.some((one) => /^\**$/.test(one)) ? undefined : { kind: 'list', values };
    }
    case 'name':
      // A value of only wildcards and component group separators matches all names.
      if (/^[*=]+$/.test(value)) return undefined;
      return { kind: 'value', value: limited(attribute, value) };
    case 'text':
    case 'folded':
    case 'item':
      return /^\*+$/.test(value) ? undefined : { kind: 'value', value: limited(attribute, value) };
  }
}

/** Splits a list of values at commas and backslashes. Throws `BadRequest` for more than `max` values. */
function listOf(attribute: CatalogAttribute, written: string, max: number): string[] {
  const values = written.split(/[,\\]/);
  if (values.length > max)
    throw new BadRequest(
      'too-many-values',
      `${attribute.keyword} takes at most ${max} values. Split the list into several searches.`,
    );
  return values.map((value) => limited(attribute, value).trim());
}

/** Returns the value. Throws `BadRequest` when the value has more than {@link MAX_CHARACTERS} characters. */
function limited(attribute: CatalogAttribute, value: string): string {
  if (value.length <= MAX_CHARACTERS) return value;
  throw new BadRequest(
    'invalid-parameter',
    `The value of ${attribute.keyword} has more than ${MAX_CHARACTERS} characters. Shorten it.`,
  );
}

/** Removes the zeros at the end of the fraction, which do not change the time. */
function withoutTrailingZeros(time: string): string {
  return /^\d{6}\.\d{1,6}$/.test(time) ? time.replace(/\.?0+$/, '') : time;
}

function parseRange(value: string, shape: RegExp, invalid: () => BadRequest): Match {
  const ends = value.split('-');
  const [from = '', to] = ends;
  if (ends.length > 2 || ends.some((end) => end !== '' && !shape.test(end))) throw invalid();
  if (to === undefined) return { kind: 'value', value };
  if (from === '' && to === '') throw invalid();
  return { kind: 'range', from: from || undefined, to: to || undefined };
}
