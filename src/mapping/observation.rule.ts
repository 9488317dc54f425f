import { z } from 'zod';
import { SpecimenRule } from './records/record.rules.js';
import { Expression } from './values/expression.js';

const Coding = z.strictObject({
  system: z.string().max(255).describe('The URI of the code system.'),
  code: z.string().max(64),
  display: z.string().max(200).optional(),
});

const Range = z.tuple([z.number(), z.number()]);
const Unit = z.string().max(40).describe('The unit as people read it, for example mmHg.');
const UcumUnit = z.string().max(40).describe('The unit as a code of UCUM, for example mm[Hg].');

const Quantity = z.strictObject({
  unit: Unit,
  ucum: UcumUnit,
  decimal: z.enum(['.', ',', 'either']).default('either'),
  possible: Range.optional().describe('A value outside this range is left out, with a finding.'),
  usual: Range.optional().describe('A value outside this range is written, with a warning.'),
});

const Shared = {
  name: z.string().regex(/^[a-z][a-z0-9_]{0,63}$/),
  category: z.enum(['vital-signs', 'social-history', 'laboratory', 'survey']),
  date: Expression.optional().describe('When the result was taken: a date, or a date with a time.'),
  order: Expression.optional().describe('The number of the specimen or order. It identifies the result.'),
  specimen: SpecimenRule.optional().describe(
    'The specimen of the result. It is part of the identity of the result.',
  ),
};
const Coded = { ...Shared, code: Coding };

const Component = z.strictObject({ code: Coding, value: Expression.optional(), quantity: Quantity });

/** A test of a list with one result in each row. */
const Test = z.strictObject({
  code: Coding,
  unit: Unit.optional(),
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
