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
    message: 'Not a SNOMED CT concept identifier: wrong length, partition or check digit. Check the code.',
  })
  .transform(({ display, ...rest }) => ({ ...rest, ...(display === undefined ? {} : { display }) }));

/** The target of a decision: a Condition with a concept, or an Observation with a code and values. */
export const DecidedTarget = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('condition'), coding: Coding }),
  z.strictObject({ kind: z.literal('observation'), code: Coding, value: z.array(Coding).min(1).max(4) }),
]);

const KnownCoding = z.object({
  system: z.string().optional(),
  code: z.string().optional(),
  display: z.string().optional(),
});
/** The target of a word in responses. */
export const KnownTarget = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('condition'), coding: KnownCoding }),
  z.object({ kind: z.literal('observation'), code: KnownCoding, value: z.array(KnownCoding).readonly() }),
]);
