import { type SQL, sql } from 'drizzle-orm';
import type { AnyPgColumn } from 'drizzle-orm/pg-core';
import { fold } from './folding.js';
import type { CatalogAttribute } from './search.attributes.js';

/** The value that a key must match, parsed from a query (PS3.4 C.2.2.2). */
export type Match =
  | { readonly kind: 'value'; readonly value: string }
  /** Matches if the key equals one of these values. */
  | { readonly kind: 'list'; readonly values: readonly string[] }
  /** The range includes both ends. An open end is `undefined`. */
  | { readonly kind: 'range'; readonly from: string | undefined; readonly to: string | undefined };

/** Maximum number of words that fuzzy matching compares in one name. */
const FUZZY_WORDS = 8;

/** A key and the value that it must match. */
export interface Filter {
  readonly attribute: CatalogAttribute;
  readonly match: Match;
}

/** Returns the SQL conditions for these keys. All keys of one sequence must match the same item (PS3.4 C.2.2.2.6). */
export function allMatch(filters: readonly Filter[], fuzzy: boolean): SQL[] {
  const [ofItems, others] = [true, false].map((isOfItem) =>
    filters.filter(({ attribute }) => (attribute.matching === 'item') === isOfItem),
  );
  const bySequence = Map.groupBy(ofItems ?? [], ({ attribute }) => attribute.tag.split('.')[0]);
  return [
    ...(others ?? []).map(({ attribute, match }) => matches(attribute, match, fuzzy)),
    ...[...bySequence.values()].map(matchesOneItem),
  ];
}

/**
 * Returns the condition that one item matches all keys. The columns of a sequence are arrays of the same length. Exact values are also
 * compared with the whole array, because only this comparison uses the index.
 */
function matchesOneItem(filters: readonly Filter[]): SQL {
  const names = filters.map((_, at) => sql.identifier(`item_${at}`));
  const columns = filters.map(({ attribute }) => attribute.value);
  const values = filters.map(({ match }) => (match.kind === 'value' ? match.value : '*'));
  const each = values.map((value, at) => equalsOrLike(sql`${names[at]}`, value));
  const contained = values.flatMap((value, at) =>
    isPattern(value) ? [] : [sql`${columns[at]} @> ${sql.param([value])}::text[] and`],
  );
  return sql`(${sql.join(contained, sql` `)} exists (select from unnest(${sql.join(columns, sql`, `)})
    as one_item (${sql.join(names, sql`, `)}) where ${sql.join(each, sql` and `)}))`;
}

/** Returns the SQL condition for one key. With `fuzzy`, similar names match too. */
export function matches(attribute: CatalogAttribute, match: Match, fuzzy = false): SQL {
  const column = attribute.key ?? attribute.value;
  if (match.kind === 'list') return anyOf(attribute, match.values);
  if (match.kind === 'range') return isInRange(column, match.from, match.to);
  switch (attribute.matching) {
    case 'folded':
      return equalsOrLike(column, fold(match.value));
    case 'name':
      return fuzzy ? matchesFuzzily(column, match.value) : matchesName(column, match.value);
    case 'text':
      return equalsOrLike(column, match.value);
    case 'item':
      return matchesOneItem([{ attribute, match }]);
    case 'set':
      return overlaps(column, [match.value]);
    case 'number':
      return sql`${column} = ${Number(match.value)}`;
    case 'time':
      return sql`starts_with(${column}, ${match.value})`;
    case 'date':
    case 'uid':
      return sql`${column} = ${match.value}`;
  }
}

function anyOf(attribute: CatalogAttribute, values: readonly string[]): SQL {
  const column = attribute.key ?? attribute.value;
  if (attribute.matching === 'set') return overlaps(column, values);
  return sql`${column} = any(${sql.param(values)}::text[])`;
}

/** Returns the condition that an array contains one of the values, or a member that matches one of the patterns. */
function overlaps(column: AnyPgColumn | SQL, values: readonly string[]): SQL {
  const [patterns, exact] = [true, false].map((wanted) =>
    values.filter((value) => isPattern(value) === wanted),
  );
  const conditions = [
    ...(exact?.length ? [sql`${column} && ${sql.param(exact)}::text[]`] : []),
    ...(patterns?.length
      ? [
          sql`exists (select from unnest(${column}) as member
            where member like any(${sql.param(patterns.map(patternOf))}::text[]))`,
        ]
      : []),
  ];
  return sql`(${sql.join(conditions, sql` or `)})`;
}

/** The alphabetic, ideographic and phonetic component groups (PS3.5 §6.2.1.2). */
const COMPONENT_GROUPS = [1, 2, 3];

/**
 * Matches a person name. A value without `=` can match any component group. In a value with `=`, each part must match the group at its
 * position: `=山田*` must match the second group (PS3.5 §6.2.1.2). Empty components at the end are ignored. The condition also requires that
 * the whole name contains the value. This requirement changes no result, but allows the use of an index.
 */
function matchesName(column: AnyPgColumn | SQL, value: string): SQL {
  const values = fold(value).split('=').map(trimComponents);
  const group = (place: number, text: string) =>
    equalsOrLike(sql`btrim(rtrim(split_part(${column}, '=', ${place}::int), '^ '))`, text);
  const contains = (text: string) => sql`${column} like ${`%${patternOf(text)}%`}`;
  const [only, ...others] = values;
  if (only !== undefined && others.length === 0) {
    const each = COMPONENT_GROUPS.map((place) => group(place, only));
    return sql`(${contains(only)} and (${equalsOrLike(sql`rtrim(${column}, '^')`, only)} or ${sql.join(each, sql` or `)}))`;
  }
  const each = values.flatMap((value, at) =>
    /^\**$/.test(value) ? [] : [sql`${contains(value)} and ${group(at + 1, value)}`],
  );
  return each.length === 0 ? sql`true` : sql`(${sql.join(each, sql` and `)})`;
}

/** Removes spaces around a component group, and empty components at its end. */
function trimComponents(group: string): string {
  return group.replace(/(?<![\^ ])[\^ ]+$/, '').trim();
}

/**
 * Matches a name exactly, or by the similarity of each word. The trigram index supports words of at least three ASCII letters or digits.
 * The name must contain all other words unchanged.
 */
function matchesFuzzily(column: AnyPgColumn | SQL, value: string): SQL {
  const words = fold(value)
    .split(/[\^=,\s*?]+/)
    .filter((word) => word !== '')
    .slice(0, FUZZY_WORDS);
  const literal = matchesName(column, value);
  if (words.length === 0) return literal;
  const each = words.map((word) =>
    /^[a-z0-9]{3,}$/.test(word) ? sql`${column} %> ${word}` : sql`${column} like ${`%${patternOf(word)}%`}`,
  );
  return sql`(${literal} or (${sql.join(each, sql` and `)}))`;
}

/** Compares for equality, or with a pattern if the value contains `*` (any characters) or `?` (one character). */
function equalsOrLike(column: AnyPgColumn | SQL, value: string): SQL {
  if (!isPattern(value)) return sql`${column} = ${value}`;
  return sql`${column} like ${patternOf(value)}`;
}

function isPattern(value: string): boolean {
  return /[*?]/.test(value);
}

function patternOf(value: string): string {
  return value
    .replace(/[\\%_]/g, '\\$&')
    .replaceAll('*', '%')
    .replaceAll('?', '_');
}

/**
 * Dates and times are compared as text, because their most significant digits come first. The range includes all values that begin with
 * `to`.
 */
function isInRange(column: AnyPgColumn | SQL, from: string | undefined, to: string | undefined): SQL {
  const lower = from === undefined ? sql`true` : sql`${column} >= ${from}`;
  const upper = to === undefined ? sql`true` : sql`left(${column}, ${to.length}) <= ${to}`;
  return sql`(${column} <> '' and ${lower} and ${upper})`;
}
