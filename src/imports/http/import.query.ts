import { z } from 'zod';
import { Flag, ListQuery } from '../../http/query.pipe.js';
import { LIST_LANGUAGES } from '../../mapping/recognition/header.dictionary.js';
import { IMPORT_STATUS, ROW_STATES } from '../../database/schema.records.js';

/** The name of a mapping (its newest version), or `name@version`. */
export const MappingName = z.string().regex(/^[\w.-]{1,64}(@[1-9]\d{0,8})?$/);

/**
 * The query parameters of an upload. `as_of` is the day that the rows of the file describe. `corrections`: whether a result with another
 * value on the FHIR server is rejected or corrected.
 */
export const ImportQuery = z.strictObject({
  mapping: MappingName.default('auto').describe(
    'The mapping: `name` or `name@version`. With `auto`, the columns of the file decide. If they do not fit exactly one mapping, the import stops with the status `needs_mapping`.',
  ),
  mode: z.enum(['commit', 'rehearse']).default('commit'),
  as_of: z.iso.date().optional(),
  encoding: z
    .string()
    .regex(/^[\w.:-]{1,40}$/)
    .optional(),
  corrections: z.enum(['reject', 'amend']).default('reject'),
  facility: z
    .string()
    .max(200)
    .regex(/^[a-z][a-z0-9+.-]*:[^\s|,$\\]+$/i)
    .optional()
    .describe('The URI of the facility that sends the list. The default is the issuer of the account.'),
  sheet: z
    .string()
    .regex(/^[^\p{Cc}]{1,200}$/u)
    .optional()
    .describe(
      'The name or the number of the sheet of a workbook. The first visible sheet has the number 1. The default is this sheet.',
    ),
  force: Flag.default(false),
});
export type ImportQuery = z.output<typeof ImportQuery>;

/** The query parameters of a draft. They have the same meaning as for an upload. */
export const DraftQuery = ImportQuery.pick({
  as_of: true,
  encoding: true,
  sheet: true,
  facility: true,
}).extend({
  language: z
    .enum(LIST_LANGUAGES)
    .optional()
    .describe('The language of the column names, if it is recognised wrongly.'),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .optional()
    .describe(
      'The country of the list (ISO 3166-1 alpha-2). It decides how phone numbers and dates are read.',
    ),
});
export type DraftQuery = z.output<typeof DraftQuery>;

/** The query parameters of the list of imports. */
export const ImportsQuery = ListQuery.extend({ status: z.enum(IMPORT_STATUS).optional() });
export type ImportsQuery = z.output<typeof ImportsQuery>;

const digits = z
  .string()
  .regex(/^\d{1,9}$/)
  .transform(Number);

/** The query parameters of the list of rows. The first page has the number 1. */
export const RowsQuery = z.strictObject({
  state: z.enum(ROW_STATES).optional(),
  page: digits.refine((page) => page >= 1).default(1),
  limit: digits.transform((number) => Math.min(Math.max(number, 1), 1000)).default(100),
});
export type RowsQuery = z.output<typeof RowsQuery>;
