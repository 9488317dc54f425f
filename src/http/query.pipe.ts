import type { PipeTransform } from '@nestjs/common';
import { z } from 'zod';
import { availableNames } from '../problems/available.js';
import { BadRequest } from '../problems/errors.js';

/**
 * Parses a query string: `@Query(new QueryOf(ListQuery)) query: ListQuery`. An invalid value or an unknown name gets a 400. The detail
 * lists the known names.
 */
export class QueryOf<Schema extends z.ZodType> implements PipeTransform<unknown, z.output<Schema>> {
  constructor(readonly schema: Schema) {}

  transform(query: unknown): z.output<Schema> {
    const parsed = this.schema.safeParse(query ?? {});
    if (parsed.success) return parsed.data;
    // An unknown name or value is reported before a missing parameter, because a misspelt name can be the reason why the parameter is
    // missing.
    const { issues } = parsed.error;
    const issue =
      issues.find(({ code }) => code === 'unrecognized_keys') ??
      issues.find(({ code }) => code === 'invalid_value') ??
      issues[0];
    if (issue?.code === 'unrecognized_keys')
      throw new BadRequest(
        'unknown-parameter',
        `Unknown query parameter '${issue.keys[0]}'. ${availableNames(keysOf(this.schema))}`,
      );
    const name = String(issue?.path[0]);
    throw new BadRequest(
      'invalid-parameter',
      issue?.code === 'invalid_value'
        ? `Unknown value of the query parameter ${name}. ${availableNames(issue.values)}`
        : `The query parameter ${name} is missing or not valid.`,
    );
  }
}

/** Returns the member names of an object schema. Returns no names for any other schema. */
export function keysOf(schema: unknown): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

const MAX_LIMIT = 1000;

/**
 * The parameters of every list. `limit` has the default 100 and the maximum 1,000. `q` is a part of a name, without regard to case. `sort`
 * is a field, with a preceding `-` for descending order.
 */
export const ListQuery = z.strictObject({
  limit: z
    .string()
    .regex(/^\d{1,9}$/)
    .transform((digits) => Math.min(Number(digits), MAX_LIMIT))
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

/** The value `true` or `false` in a query. */
export const Flag = z.enum(['true', 'false']).transform((word) => word === 'true');
