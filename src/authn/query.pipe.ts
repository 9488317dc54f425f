import type { PipeTransform } from '@nestjs/common';
import { z } from 'zod';
import { BadRequest } from '../problems/errors.js';

/** `@Query(new QueryOf(ListQuery)) query: ListQuery`; a value that is not what it must be, or an unknown name, is 400. */
export class QueryOf<Schema extends z.ZodType> implements PipeTransform<unknown, z.output<Schema>> {
  constructor(readonly schema: Schema) {}

  transform(query: unknown): z.output<Schema> {
    const parsed = this.schema.safeParse(query ?? {});
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const name = issue?.code === 'unrecognized_keys' ? issue.keys[0] : issue?.path[0];
    throw new BadRequest(`The query parameter ${String(name)} is not valid.`);
  }
}

const MOST = 1000;

/** `limit` (100 unless told, 1,000 at most), `offset`, `q` (a part of a name, any case) and `sort` (a field, `-` before it for downwards). */
export const ListQuery = z.strictObject({
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

/** Yes or no, in a query. */
export const Flag = z.enum(['true', 'false']).transform((word) => word === 'true');
