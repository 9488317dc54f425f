import { z } from 'zod';
import measurements from './measurements.json' with { type: 'json' };

const Range = z.tuple([z.number(), z.number()]);
const Variant = z.strictObject({
  code: z.string(),
  display: z.string(),
  unit: z.string(),
  ucum: z.string(),
  typical: Range,
  possible: Range.optional(),
  only: z.array(z.string()).optional(),
});
/**
 * A form of a measurement: its LOINC code and unit. Values in the `typical` range fit the unit. Values outside the `possible` range are
 * errors. With `only`, the unit is used only in these countries.
 */
export type MeasuredVariant = z.infer<typeof Variant>;

const Measured = z.strictObject({
  category: z.enum(['laboratory', 'vital-signs']),
  variants: z.array(Variant).min(1),
  names: z.record(z.enum(['en', 'pt', 'es', 'fr', 'de']), z.array(z.string())),
});
export type MeasuredKind = z.infer<typeof Measured>;

/** The known measurements by name, each with its LOINC codes, units and headers. */
export const MEASURED_KINDS: ReadonlyMap<string, MeasuredKind> = new Map(
  Object.entries(z.record(z.string(), Measured).parse(measurements)),
);
