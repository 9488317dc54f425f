import { z } from 'zod';

const digits = z
  .string()
  .regex(/^\d{1,9}$/)
  .transform(Number);
/** The sort keys of the inbox. A leading `-` means descending order. */
const SORTS = ['rows_waiting', 'word', 'created_at', 'decided_at', 'state'] as const;

export const TermsQuery = z.strictObject({
  state: z.enum(['unmapped', 'ambiguous', 'decided', 'ignored']).optional(),
  language: z.enum(['pt', 'en', 'es']).optional(),
  import: z.uuid().optional(),
  q: z
    .string()
    .max(256)
    .refine((text) => !text.includes('\0'))
    .default(''),
  sort: z
    .string()
    .transform((text) => ({ field: text.replace(/^-/, ''), descending: text.startsWith('-') }))
    .pipe(z.object({ field: z.enum(SORTS), descending: z.boolean() }))
    .default({ field: 'rows_waiting', descending: true }),
  limit: digits.transform((number) => Math.min(number, 1000)).default(100),
  offset: digits.default(0),
});

/** The query parameters of the inbox. `q` is a part of the word, in upper or lower case. With `import`, only the words that
 * rows of this import wait for. A `limit` above 1,000 is reduced to 1,000. */
export type TermsQuery = z.output<typeof TermsQuery>;
