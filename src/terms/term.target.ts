import { z } from 'zod';
import { isConceptId } from '../mapping/values/snomed.id.js';
import { SNOMED } from '../mapping/words/term.js';

const Coding = z
  .strictObject({
    system: z.url().max(255),
    code: z.string().min(1).max(64),
    display: z.string().min(1).max(200).optional(),
  })
  .refine(({ system, code }) => system !== SNOMED || isConceptId(code), {
    path: ['code'],
    message: 'This is no SNOMED CT concept identifier (length, partition or check digit).',
  })
  .transform(({ display, ...rest }) => ({ ...rest, ...(display === undefined ? {} : { display }) }));

/** What a person may decide a word to mean: a Condition of a concept, or an Observation with its values. */
export const DecidedTarget = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('condition'), coding: Coding }),
  z.strictObject({ kind: z.literal('observation'), code: Coding, value: z.array(Coding).min(1).max(4) }),
]);

const KnownCoding = z.object({
  system: z.string().optional(),
  code: z.string().optional(),
  display: z.string().optional(),
});
/** What a word means, as it is told. */
export const KnownTarget = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('condition'), coding: KnownCoding }),
  z.object({ kind: z.literal('observation'), code: KnownCoding, value: z.array(KnownCoding).readonly() }),
]);
