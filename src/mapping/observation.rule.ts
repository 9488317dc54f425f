import { z } from 'zod';
import { Expression } from './values/expression.js';

const Coding = z.strictObject({
  system: z.string().max(255),
  code: z.string().max(64),
  display: z.string().max(200).optional(),
});

const Quantity = z.strictObject({
  unit: z.string().max(40),
  ucum: z.string().max(40),
  decimal: z.enum(['.', ',', 'either']).default('either'),
  possible: z.tuple([z.number(), z.number()]),
  usual: z.tuple([z.number(), z.number()]).optional(),
});

const Shared = {
  name: z.string().regex(/^[a-z][a-z0-9_]{0,63}$/),
  code: Coding,
  category: z.enum(['vital-signs', 'social-history', 'laboratory', 'survey']),
  date: Expression.optional(),
};

/** The rule for an Observation. Its value is one number, several related numbers (such as blood pressure), or a word of a table. */
export const ObservationRule = z.discriminatedUnion('kind', [
  z.strictObject({ ...Shared, kind: z.literal('quantity'), value: Expression, quantity: Quantity }),
  z.strictObject({
    ...Shared,
    kind: z.literal('components'),
    components: z
      .array(z.strictObject({ code: Coding, value: Expression, quantity: Quantity }))
      .min(2)
      .max(8),
  }),
  z.strictObject({
    ...Shared,
    kind: z.literal('coded'),
    value: Expression,
    answers: z.record(z.string(), z.array(Coding).min(1).max(4)),
  }),
]);
export type ObservationRule = z.infer<typeof ObservationRule>;
export type QuantityRule = z.infer<typeof Quantity>;
