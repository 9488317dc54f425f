import type { PipeTransform } from '@nestjs/common';
import { asc, desc, type SQL, sql } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import { z } from 'zod';
import { BadRequest } from '../problems/errors.js';

/** What a list answers: a page of things, and how many there are in all. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly total: number;
}

const MOST = 1000;

/** `limit` (100 unless told, 1,000 at most), `offset`, `q` (a part of a name, any case) and `sort` (a field, `-` before it for downwards). */
const ListQuery = z.object({
  limit: z
    .string()
    .regex(/^\d{1,9}$/)
    .transform((digits) => Math.min(Number(digits), MOST))
    .default(100),
  offset: z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number)
    .default(0),
  q: z
    .string()
    .max(256)
    .refine((text) => !text.includes('\0'))
    .default(''),
  sort: z
    .string()
    .regex(/^-?[a-z_]{1,40}$/)
    .optional(),
});
export type ListQuery = z.output<typeof ListQuery>;

/** `@Query(new ListPipe()) query: ListQuery`; a value that is not what it must be is 400. */
export class ListPipe implements PipeTransform<unknown, ListQuery> {
  readonly schema = ListQuery;

  transform(query: unknown): ListQuery {
    const parsed = ListQuery.safeParse(query);
    if (parsed.success) return parsed.data;
    throw new BadRequest(`The query parameter ${String(parsed.error.issues[0]?.path[0])} is not valid.`);
  }
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
    throw new BadRequest(`This list is sorted by one of: ${fields.map(([field]) => field).join(', ')}.`);
  return [downwards ? desc(column) : asc(column), asc(id)];
}

/** True where one of the columns holds the text, in any case; without a text, everywhere. */
export function matching({ q }: ListQuery, ...columns: readonly PgColumn[]): SQL | undefined {
  if (q === '') return undefined;
  const holds = columns.map((column) => sql`strpos(lower(${column}), lower(${q})) > 0`);
  return sql`(${sql.join(holds, sql` or `)})`;
}
