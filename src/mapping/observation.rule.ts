import { z } from 'zod';
import { isLoinc, LOINC } from './values/loinc.js';
import { Expression } from './values/expression.js';
import { isUcum } from './values/units.js';

/** A code system: an absolute URI, for example `http://loinc.org`. A short name such as `loinc` is invalid. */
export const CodeSystemUri = z
  .string()
  .max(255)
  .regex(/^(?:https?:\/\/[^\s/]+\.[^\s]+|urn:(?:oid|uuid|[a-z0-9][a-z0-9-]+):\S+)$/i, {
    error: 'The code system is not a URI. Use the URI of the system, for example http://loinc.org.',
  });

const Coding = z
  .strictObject({
    system: CodeSystemUri,
    code: z.string().min(1).max(64),
    display: z.string().max(200).optional(),
  })
  .refine(({ system, code }) => system !== LOINC || code.startsWith('LA') || isLoinc(code), {
    path: ['code'],
    error: 'The code is not a LOINC code. Check the digit after the hyphen.',
  });

const Range = z.tuple([z.number(), z.number()]).refine(([low, high]) => low < high, {
  error: 'The range is inverted. Write the lower limit first.',
});

const UcumUnit = z
  .string()
  .max(40)
  .refine(isUcum, {
    error: 'The unit is not a code of UCUM. Use for example mm[Hg], Cel, mg/dL or 10*3/uL.',
  })
  .describe('The unit as a code of UCUM.');

const Quantity = z
  .strictObject({
    unit: z.string().min(1).max(40).describe('The unit as people read it, for example mmHg.'),
    ucum: UcumUnit,
    decimal: z.enum(['.', ',', 'either']).default('either'),
    possible: Range.optional().describe('A value outside this range is left out, with a finding.'),
    usual: Range.optional().describe('A value outside this range is written, with a warning.'),
  })
  .refine(
    ({ possible, usual }) =>
      possible === undefined || usual === undefined || (usual[0] >= possible[0] && usual[1] <= possible[1]),
    { path: ['usual'], error: 'The usual range is not inside the possible range.' },
  );

const Shared = {
  name: z.string().regex(/^[a-z][a-z0-9_]{0,63}$/),
  category: z.enum(['vital-signs', 'social-history', 'laboratory', 'survey']),
  date: Expression.optional().describe('When the result was taken: a date, or a date with a time.'),
  order: Expression.optional().describe('The number of the specimen or order. It identifies the result.'),
};
const Coded = { ...Shared, code: Coding };

const Component = z.strictObject({ code: Coding, value: Expression.optional(), quantity: Quantity });

/** A test of a list with one result in each row. */
const Test = z.strictObject({
  code: Coding,
  unit: z.string().min(1).max(40).optional(),
  ucum: UcumUnit.optional(),
  possible: Range.optional(),
  usual: Range.optional(),
});

/**
 * The rule for an Observation. Its value is one number, several related numbers (such as blood pressure), a word of a table, or a text.
 * The kind `results` is for lists with one result in each row: the row says which test it is.
 */
export const ObservationRule = z.discriminatedUnion('kind', [
  z.strictObject({
    ...Coded,
    kind: z.literal('quantity'),
    value: Expression,
    quantity: Quantity,
    text_results: z.boolean().default(false).describe('Whether a text such as "negative" is a result too.'),
  }),
  z
    .strictObject({
      ...Coded,
      kind: z.literal('components'),
      combined: Expression.optional().describe('A cell with all components in order, for example 120/80.'),
      components: z.array(Component).min(2).max(8),
    })
    .refine(
      ({ combined, components }) =>
        combined !== undefined || components.every(({ value }) => value !== undefined),
      { path: ['components'], error: 'Each component needs a value, or the rule needs a combined cell.' },
    ),
  z.strictObject({
    ...Coded,
    kind: z.literal('coded'),
    value: Expression,
    answers: z.record(z.string(), z.array(Coding).min(1).max(4)),
  }),
  z.strictObject({ ...Coded, kind: z.literal('text'), value: Expression }),
  z.strictObject({
    ...Shared,
    kind: z.literal('results'),
    test: Expression.describe('The name of the test or its LOINC code.'),
    value: Expression,
    unit: Expression.optional(),
    range: Expression.optional().describe('The reference range, for example 3.5-5.5.'),
    decimal: z.enum(['.', ',', 'either']).default('either'),
    tests: z.record(z.string().min(1).max(100), Test).default({}),
  }),
]);
export type ObservationRule = z.infer<typeof ObservationRule>;
export type QuantityRule = z.infer<typeof Quantity>;
export type ResultsRule = Extract<ObservationRule, { kind: 'results' }>;
