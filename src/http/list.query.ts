import { asc, desc, type SQL, sql } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import type { ListQuery } from './query.pipe.js';
import { availableNames } from '../problems/available.js';
import { BadRequest } from '../problems/errors.js';

/** What a list answers: a page of things, and how many there are in all. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly total: number;
}

/** The order a list asks for, of the fields it may be sorted by; the first is the default, `id` decides between equals. */
export function orderOf(
  { sort }: ListQuery,
  fields: readonly (readonly [name: string, column: PgColumn | SQL])[],
  id: PgColumn,
): SQL[] {
  const downwards = sort?.startsWith('-') ?? false;
  const name = sort?.replace(/^-/, '') ?? fields[0]?.[0];
  const column = fields.find(([field]) => field === name)?.[1];
  if (column === undefined)
    throw new BadRequest(
      'invalid-parameter',
      `Unknown value of the query parameter sort. ${availableNames(fields.map(([field]) => field))}`,
    );
  return [downwards ? desc(column) : asc(column), asc(id)];
}

/** True where one of the columns holds the text, in any case; without a text, everywhere. */
export function matching({ q }: ListQuery, ...columns: readonly PgColumn[]): SQL | undefined {
  if (q === '') return undefined;
  const holds = columns.map((column) => sql`strpos(lower(${column}), lower(${q})) > 0`);
  return sql`(${sql.join(holds, sql` or `)})`;
}

/** True where a column is what was asked for; undefined, which narrows nothing, when nothing was. */
export function is(column: PgColumn | SQL, asked: string | boolean | undefined): SQL | undefined {
  return asked === undefined ? undefined : sql`${column} = ${asked}`;
}

/** True of accounts that are in the group; undefined when none is asked for. */
export function inGroup(account: PgColumn, group: string | undefined): SQL | undefined {
  if (group === undefined) return undefined;
  return sql`exists (select from memberships where group_id = ${group} and account_id = ${account})`;
}

/** True where a date is past, or is not, as asked; no date is never past. */
export function isPast(column: PgColumn, asked: boolean | undefined): SQL | undefined {
  return asked === undefined ? undefined : sql`coalesce(${column} <= now(), false) = ${asked}`;
}
