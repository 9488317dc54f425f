import { z } from 'zod';

/** A concept that a terminology server found. `terms` contains all names of the concept in the response. */
export interface FoundConcept {
  readonly system: string;
  readonly code: string;
  readonly display?: string | undefined;
  readonly terms: readonly string[];
}

const Coding = z.object({ system: z.string(), code: z.string().min(1), display: z.string().optional() });
const value = {
  name: z.string(),
  valueBoolean: z.boolean().optional(),
  valueString: z.string().optional(),
  valueCode: z.string().optional(),
  valueCoding: Coding.optional().catch(undefined),
};

/** The response of an operation (R4, "Parameters"). The schema contains only the members that are read. */
export const OutParameters = z.object({
  resourceType: z.literal('Parameters'),
  parameter: z.array(z.object({ ...value, part: z.array(z.object(value)).default([]) })).default([]),
});
type OutParameters = z.output<typeof OutParameters>;

/** The response of `$expand`. The schema contains only the members that are read. */
export const ExpandedValueSet = z.object({
  resourceType: z.literal('ValueSet'),
  expansion: z.object({
    contains: z
      .array(
        Coding.extend({
          inactive: z.boolean().default(false),
          abstract: z.boolean().default(false),
          designation: z.array(z.object({ value: z.string() })).default([]),
        }),
      )
      .default([]),
  }),
});

const SAME = new Set(['equal', 'equivalent']);

/** The equal or equivalent concepts in a response of `$translate`. */
export function codingsOf({ parameter }: OutParameters): FoundConcept[] {
  return parameter
    .filter(({ name, part }) => name === 'match' && SAME.has(partOf(part, 'equivalence')?.valueCode ?? ''))
    .flatMap(({ part }) => {
      const coding = partOf(part, 'concept')?.valueCoding;
      if (coding === undefined) return [];
      return [{ ...coding, terms: coding.display === undefined ? [] : [coding.display] }];
    });
}

/** A string parameter of a response of `$lookup`. */
export const wordOf = ({ parameter }: OutParameters, wanted: string): string | undefined =>
  parameter.find(({ name }) => name === wanted)?.valueString;

/** A boolean property in a response of `$lookup`. Some servers send the value as a code or a string. */
export function flagOf({ parameter }: OutParameters, wanted: string): boolean {
  const found = parameter.find(
    ({ name, part }) => name === 'property' && partOf(part, 'code')?.valueCode === wanted,
  );
  const value = partOf(found?.part ?? [], 'value');
  return value?.valueBoolean === true || [value?.valueCode, value?.valueString].includes('true');
}

const partOf = (parts: OutParameters['parameter'][number]['part'], wanted: string) =>
  parts.find(({ name }) => name === wanted);
