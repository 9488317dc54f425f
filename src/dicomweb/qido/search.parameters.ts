import { z } from 'zod';
import { BadRequest } from '../../problems/errors.js';
import { AcceptParameter } from '../http/accept.js';

const Count = z
  .string()
  .regex(/^\d{1,9}$/, 'Use a whole number with at most 9 digits.')
  .transform(Number)
  .optional();

/** The parameters of a search (PS3.18 §8.3.4). All other names are keys. */
export const SearchParameters = z
  .object({
    ...AcceptParameter.shape,
    limit: Count.describe(
      'The most results: by default 100 and at most 1,000 for a search of all studies; by default all below a study.',
    ),
    offset: Count.describe('The number of results to skip.'),
    fuzzymatching: z
      .enum(['true', 'false'], 'Use true or false.')
      .transform((word) => word === 'true')
      .optional()
      .describe('Whether names match by similarity.'),
    includefield: z
      .array(z.string())
      .optional()
      .describe('Additional attributes by tag or keyword, or `all`. It may be repeated.'),
  })
  .catchall(
    z
      .string()
      .describe(
        'A key of the level by tag or keyword, each at most once: PatientName=Muster*, 00080020=20260101-20260131.',
      ),
  );

/** Parses the parameters that are not keys. Throws `BadRequest` for an invalid value. */
export function parseSearchParameters(given: ReadonlyMap<string, string>): z.output<typeof SearchParameters> {
  const parsed = SearchParameters.safeParse(Object.fromEntries(given));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new BadRequest('invalid-parameter', `Invalid ${issue?.path.join('.')}. ${issue?.message}`);
}
