import { asc, desc, type SQL, sql } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import type { ListQuery } from './query.pipe.js';
import { availableNames } from '../problems/available.js';
import { BadRequest } from '../problems/errors.js';

/** A page of a list, and the number of all items. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly total: number;
}

/** The order by `sort`. `fields` are the allowed ones, the first is the default; `id` orders equal rows. Throws `BadRequest` for another field. */
export function orderOf(
  { sort }: ListQuery,
  fields: readonly (readonly [name: string, column: PgColumn | SQL])[],
  id: PgColumn,
): SQL[] {
  const isDescending = sort?.startsWith('-') ?? false;
  const name = sort?.replace(/^-/, '') ?? fields[0]?.[0];
  const column = fields.find(([field]) => field === name)?.[1];
  if (column === undefined)
    throw new BadRequest(
      'invalid-parameter',
      `Unknown value of the query parameter sort. ${availableNames(fields.map(([field]) => field))}`,
    );
  return [isDescending ? desc(column) : asc(column), asc(id)];
}

/** Rows where one of the columns contains `q`, in any case; no condition without `q`. */
export function matching({ q }: ListQuery, ...columns: readonly PgColumn[]): SQL | undefined {
  if (q === '') return undefined;
  const holds = columns.map((column) => sql`strpos(lower(${column}), lower(${q})) > 0`);
  return sql`(${sql.join(holds, sql` or `)})`;
}

/** Rows where the column has this value; no condition for undefined. */
export function is(column: PgColumn | SQL, value: string | boolean | undefined): SQL | undefined {
  return value === undefined ? undefined : sql`${column} = ${value}`;
}

/** Accounts in the group; no condition for undefined. */
export function inGroup(account: PgColumn, group: string | undefined): SQL | undefined {
  if (group === undefined) return undefined;
  return sql`exists (select from memberships where group_id = ${group} and account_id = ${account})`;
}

/** Rows whose date is past, or is not; NULL is never past. No condition for undefined. */
export function isPast(column: PgColumn, expected: boolean | undefined): SQL | undefined {
  return expected === undefined ? undefined : sql`coalesce(${column} <= now(), false) = ${expected}`;
}
