import { z } from 'zod';
import { isLoinc, isLoincAnswer, LOINC } from '../mapping/values/loinc.js';
import { isConceptId } from '../mapping/values/snomed.id.js';
import { SNOMED } from '../mapping/words/term.js';

const PlainCoding = z
  .strictObject({
    system: z.url().max(255),
    code: z.string().min(1).max(64),
    display: z.string().min(1).max(200).optional(),
  })
  .transform(({ display, ...rest }) => ({ ...rest, ...(display === undefined ? {} : { display }) }));

const Coding = PlainCoding.refine(({ system, code }) => system !== SNOMED || isConceptId(code), {
  path: ['code'],
  message: 'Not a SNOMED CT concept identifier: wrong length, partition or check digit. Check the code.',
}).refine(({ system, code }) => system !== LOINC || isLoinc(code) || isLoincAnswer(code), {
  path: ['code'],
  message: 'Not a LOINC code: wrong form or check digit. Check the code.',
});

const condition = z.strictObject({ kind: z.literal('condition'), coding: Coding });
const observation = z.strictObject({
  kind: z.literal('observation'),
  code: Coding,
  value: z.array(Coding).min(1).max(4),
});

/** The target of a decision: a Condition with a concept, or an Observation with a code and values. */
export const DecidedTarget = z.discriminatedUnion('kind', [condition, observation]);
export type DecidedTarget = z.output<typeof DecidedTarget>;

/** The members of a decision besides its target. */
const how = {
  confirm: z
    .boolean()
    .default(false)
    .describe('Also correct the records that an earlier decision about this word has given.'),
  reason: z
    .string()
    .trim()
    .min(1)
    .max(500)
    .optional()
    .describe('The reason for the correction. It is stored in the Provenance of the corrected records.'),
};

/** The body of a decision. */
export const DecisionBody = z.discriminatedUnion('kind', [condition.extend(how), observation.extend(how)]);
export type DecisionBody = z.output<typeof DecisionBody>;
/** The body of a decision to ignore a word. */
export const IgnoreBody = z.strictObject(how).prefault({});

/** A stored target. The check digits are not checked again, because an earlier version did not check the digits of LOINC. */
export const StoredTarget = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('condition'), coding: PlainCoding }),
  z.object({ kind: z.literal('observation'), code: PlainCoding, value: z.array(PlainCoding).min(1).max(4) }),
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

/** The meaning of a target as text, without the names of the concepts. Null means that the word is ignored. */
export function meaningOf(target: DecidedTarget | null): string {
  if (target === null) return 'ignored';
  const codings = target.kind === 'condition' ? [target.coding] : [target.code, ...target.value];
  return JSON.stringify([target.kind, ...codings.map(({ system, code }) => [system, code])]);
}

interface StoredDecision {
  readonly state: string;
  readonly target: unknown;
}

/** The decided meaning of a word. Null if no person has decided about the word. */
export function storedMeaning({ state, target }: StoredDecision): string | null {
  if (state === 'decided') return meaningOf(StoredTarget.parse(target));
  return state === 'ignored' ? meaningOf(null) : null;
}
