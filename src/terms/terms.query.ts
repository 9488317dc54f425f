import { z } from 'zod';

const digits = z
  .string()
  .regex(/^\d{1,9}$/)
  .transform(Number);
/** What the inbox may be sorted by; `-` before it for downwards. */
const SORTS = ['rows_waiting', 'word', 'created_at', 'decided_at', 'state'] as const;

export const TermsQuery = z.strictObject({
  state: z.enum(['unmapped', 'ambiguous', 'decided', 'ignored']).optional(),
  language: z.enum(['pt', 'en', 'es']).optional(),
  q: z
    .string()
    .max(256)
    .refine((text) => !text.includes('\0'))
    .default(''),
  sort: z
    .string()
    .transform((text) => ({ field: text.replace(/^-/, ''), downwards: text.startsWith('-') }))
    .pipe(z.object({ field: z.enum(SORTS), downwards: z.boolean() }))
    .default({ field: 'rows_waiting', downwards: true }),
  limit: digits.transform((number) => Math.min(number, 1000)).default(100),
  offset: digits.default(0),
});

/** A page of the inbox: `state`, `language`, `q` (a part of the word, any case), `sort`, `limit` (1,000 at most), `offset`. */
export type TermsQuery = z.output<typeof TermsQuery>;
