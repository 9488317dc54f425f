import { z } from 'zod';
import { Flag } from '../authn/query.pipe.js';

/** What an upload says about itself: the mapping (`name` or `name@version`), whether to write, the day the list is of. */
export const ImportQuery = z.strictObject({
  mapping: z
    .string()
    .regex(/^[\w.-]{1,64}(@[1-9]\d{0,8})?$/)
    .default('brazil-hospital'),
  mode: z.enum(['commit', 'rehearse']).default('commit'),
  as_of: z.iso.date().optional(),
  encoding: z
    .string()
    .regex(/^[\w.:-]{1,40}$/)
    .optional(),
  force: Flag.default(false),
});
export type ImportQuery = z.output<typeof ImportQuery>;

const digits = z
  .string()
  .regex(/^\d{1,9}$/)
  .transform(Number);

/** A page of a list. */
export const PageQuery = z.strictObject({
  limit: digits.transform((number) => Math.min(number, 1000)).default(100),
  offset: digits.default(0),
});
export type PageQuery = z.output<typeof PageQuery>;

export const ROW_FILTER = [
  'pending',
  'created',
  'updated',
  'unchanged',
  'rejected',
  'waiting',
  'duplicate',
] as const;

/** Rows of one state; pages count from 1. */
export const RowsQuery = z.strictObject({
  state: z.enum(ROW_FILTER).optional(),
  page: digits.refine((page) => page >= 1).default(1),
  limit: digits.transform((number) => Math.min(Math.max(number, 1), 1000)).default(100),
});
export type RowsQuery = z.output<typeof RowsQuery>;
