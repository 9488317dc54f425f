import { type SQL, sql } from 'drizzle-orm';
import type { AnyPgColumn } from 'drizzle-orm/pg-core';
import { fold } from './folding.js';
import type { CatalogAttribute } from './search.attributes.js';

/** What a key must match, as parsed from a query (PS3.4 C.2.2.2). */
export type Match =
  | { readonly kind: 'value'; readonly value: string }
  /** Any of these. */
  | { readonly kind: 'list'; readonly values: readonly string[] }
  /** Both ends included; an open end is undefined. */
  | { readonly kind: 'range'; readonly from: string | undefined; readonly to: string | undefined };

/** Words of a name that are looked for alike, at most. */
const FUZZY_WORDS = 8;

/** A key and what it must match. */
export interface Filter {
  readonly attribute: CatalogAttribute;
  readonly match: Match;
}

/** The predicates of these keys; those of one sequence must hold of one of its items (PS3.4 C.2.2.2.6). */
export function allMatch(filters: readonly Filter[], fuzzy: boolean): SQL[] {
  const [ofItems, others] = [true, false].map((isOfItem) =>
    filters.filter(({ attribute }) => (attribute.matching === 'item') === isOfItem),
  );
  const bySequence = Map.groupBy(ofItems ?? [], ({ attribute }) => attribute.tag.split('.')[0]);
  return [
    ...(others ?? []).map(({ attribute, match }) => matches(attribute, match, fuzzy)),
    ...[...bySequence.values()].map(anItem),
  ];
}

/** One and the same item: the columns of a sequence are lists of one length. An exact value is looked for in the whole list first, which an index answers. */
function anItem(filters: readonly Filter[]): SQL {
  const names = filters.map((_, at) => sql.identifier(`item_${at}`));
  const columns = filters.map(({ attribute }) => attribute.value);
  const values = filters.map(({ match }) => (match.kind === 'value' ? match.value : '*'));
  const each = values.map((value, at) => alike(sql`${names[at]}`, value));
  const known = values.flatMap((value, at) =>
    isPattern(value) ? [] : [sql`${columns[at]} @> ${sql.param([value])}::text[] and`],
  );
  return sql`(${sql.join(known, sql` `)} exists (select from unnest(${sql.join(columns, sql`, `)})
    as one_item (${sql.join(names, sql`, `)}) where ${sql.join(each, sql` and `)}))`;
}

/** The predicate of one key over the catalog's tables; `fuzzy`: names are found by what is alike too. */
export function matches(attribute: CatalogAttribute, match: Match, fuzzy = false): SQL {
  const column = attribute.key ?? attribute.value;
  if (match.kind === 'list') return anyOf(attribute, match.values);
  if (match.kind === 'range') return within(column, match.from, match.to);
  switch (attribute.matching) {
    case 'folded':
      return alike(column, fold(match.value));
    case 'name':
      return fuzzy ? resembles(column, match.value) : named(column, match.value);
    case 'text':
      return alike(column, match.value);
    case 'item':
      return anItem([{ attribute, match }]);
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

/** A set that has one of these values as a member, or a member like one of the patterns among them. */
function overlaps(column: AnyPgColumn | SQL, values: readonly string[]): SQL {
  const [patterns, exact] = [true, false].map((wanted) =>
    values.filter((value) => isPattern(value) === wanted),
  );
  const ways = [
    ...(exact?.length ? [sql`${column} && ${sql.param(exact)}::text[]`] : []),
    ...(patterns?.length
      ? [
          sql`exists (select from unnest(${column}) as member
            where member like any(${sql.param(patterns.map(patternOf))}::text[]))`,
        ]
      : []),
  ];
  return sql`(${sql.join(ways, sql` or `)})`;
}

/** Alphabetic, ideographic and phonetic (PS3.5 §6.2.1.2). */
const COMPONENT_GROUPS = [1, 2, 3];

/**
 * A person name matches by any of its component groups, or by those that the value names by its place (`=山田*` the second, PS3.5
 * §6.2.1.2), empty components at the end aside. What a group matches the whole contains, which an index can answer first.
 */
function named(column: AnyPgColumn | SQL, asked: string): SQL {
  const values = fold(asked).split('=').map(withoutEnd);
  const group = (place: number, value: string) =>
    alike(sql`btrim(rtrim(split_part(${column}, '=', ${place}::int), '^ '))`, value);
  const held = (value: string) => sql`${column} like ${`%${patternOf(value)}%`}`;
  const [only, ...others] = values;
  if (only !== undefined && others.length === 0) {
    const each = COMPONENT_GROUPS.map((place) => group(place, only));
    return sql`(${held(only)} and (${alike(sql`rtrim(${column}, '^')`, only)} or ${sql.join(each, sql` or `)}))`;
  }
  const each = values.flatMap((value, at) =>
    /^\**$/.test(value) ? [] : [sql`${held(value)} and ${group(at + 1, value)}`],
  );
  return each.length === 0 ? sql`true` : sql`(${sql.join(each, sql` and `)})`;
}

/** A component group without blanks around it and empty components at its end. */
function withoutEnd(group: string): string {
  return group.replace(/[\^ ]+$/, '').trim();
}

/**
 * A name that matches, or holds something like each word: by trigrams where those know the letters (three or more of ASCII), else as
 * typed.
 */
function resembles(column: AnyPgColumn | SQL, asked: string): SQL {
  const words = fold(asked)
    .split(/[\^=,\s*?]+/)
    .filter((word) => word !== '')
    .slice(0, FUZZY_WORDS);
  const literal = named(column, asked);
  if (words.length === 0) return literal;
  const each = words.map((word) =>
    /^[a-z0-9]{3,}$/.test(word) ? sql`${column} %> ${word}` : sql`${column} like ${`%${patternOf(word)}%`}`,
  );
  return sql`(${literal} or (${sql.join(each, sql` and `)}))`;
}

/** Equal, or like a pattern of `*` (any run) and `?` (one character). */
function alike(column: AnyPgColumn | SQL, value: string): SQL {
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

/** Dates and times are digits, most significant first: an upper end covers all that begins with it. */
function within(column: AnyPgColumn | SQL, from: string | undefined, to: string | undefined): SQL {
  const lower = from === undefined ? sql`true` : sql`${column} >= ${from}`;
  const upper = to === undefined ? sql`true` : sql`left(${column}, ${to.length}) <= ${to}`;
  return sql`(${column} <> '' and ${lower} and ${upper})`;
}
