import { asc, desc, type SQL, sql } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import type { ListQuery } from './query.pipe.js';
import { availableNames } from '../problems/available.js';
import { BadRequest } from '../problems/errors.js';

/** A page of a list. `total` is the number of all items. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly total: number;
}

/**
 * Returns the sort order for the parameter `sort`. `fields` are the allowed values, and the first is the default. Rows with equal values
 * are ordered by `id`. Throws `BadRequest` if `sort` has any other value.
 */
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

/** Returns the condition that one of the columns contains `q`. Case is ignored. Without `q`, returns `undefined`. */
export function matching({ q }: ListQuery, ...columns: readonly PgColumn[]): SQL | undefined {
  if (q === '') return undefined;
  const holds = columns.map((column) => sql`strpos(lower(${column}), lower(${q})) > 0`);
  return sql`(${sql.join(holds, sql` or `)})`;
}

/** Returns the condition that the column has this value, or `undefined` if the value is undefined. */
export function is(column: PgColumn | SQL, value: string | boolean | undefined): SQL | undefined {
  return value === undefined ? undefined : sql`${column} = ${value}`;
}

/** Returns the condition that the account is in the group, or `undefined` if no group is given. */
export function inGroup(account: PgColumn, group: string | undefined): SQL | undefined {
  if (group === undefined) return undefined;
  return sql`exists (select from memberships where group_id = ${group} and account_id = ${account})`;
}

/**
 * Returns a condition on a date. If `expected` is true, the date must be in the past. If `expected` is false, the date must be NULL or not
 * in the past. Returns `undefined` if `expected` is undefined.
 */
export function isPast(column: PgColumn, expected: boolean | undefined): SQL | undefined {
  return expected === undefined ? undefined : sql`coalesce(${column} <= now(), false) = ${expected}`;
}
