import type { Patient } from '@medplum/fhirtypes';
import { z } from 'zod';
import type { PlannedRow } from './row.decision.js';

/** The purpose of the key that encrypts the sides of a review. */
export const REVIEW_PURPOSE = 'import review';

/**
 * The patient that a row contradicts: a Patient on the FHIR server, or another row of the same file. `candidates` are all Patients that have
 * an identifier of the row, if there are several. `patient` is then the first of them.
 */
export interface OtherSide {
  readonly patient: Patient;
  readonly row?: number;
  readonly candidates?: readonly Patient[];
}

/** One of the two patients of a review, as the API shows it. */
const ReviewSide = z.object({
  reference: z.string().optional().describe('The Patient on the FHIR server.'),
  row: z.int().optional().describe('The row of the file.'),
  identifiers: z.array(z.object({ system: z.string(), value: z.string() })),
  names: z.array(z.string()),
  birth_date: z.string().optional(),
  gender: z.string().optional(),
});

/** The patients of a review. `row` is the row that waits. `other` is the patient that has the identifier. */
export const ReviewSides = z.object({
  row: ReviewSide,
  other: ReviewSide.describe(
    'The patient that has the identifier. The first candidate if there are several.',
  ),
  candidates: z
    .array(ReviewSide)
    .optional()
    .describe('All Patients that have an identifier of the row. Missing if there is only one.'),
});
export type ReviewSides = z.output<typeof ReviewSides>;

/** Converts the patients to the form that is encrypted and stored with a review. */
export function packSides({ row, plan }: PlannedRow, other: OtherSide): Buffer {
  const sides: ReviewSides = {
    row: { row, ...sideOf(plan.patient) },
    other: {
      ...(other.row === undefined ? {} : { row: other.row }),
      ...serverSideOf(other.patient),
    },
    ...(other.candidates === undefined ? {} : { candidates: other.candidates.map(serverSideOf) }),
  };
  return Buffer.from(JSON.stringify(sides));
}

const serverSideOf = (patient: Patient): ReviewSides['row'] => ({
  ...(patient.id === undefined ? {} : { reference: `Patient/${patient.id}` }),
  ...sideOf(patient),
});

function sideOf(patient: Patient): ReviewSides['row'] {
  const { birthDate, gender } = patient;
  return {
    identifiers: (patient.identifier ?? []).flatMap(({ system, value }) =>
      system === undefined || value === undefined ? [] : [{ system, value }],
    ),
    names: (patient.name ?? []).map(
      ({ text, given, family }) => text ?? [...(given ?? []), family].join(' ').trim(),
    ),
    ...(birthDate === undefined ? {} : { birth_date: birthDate }),
    ...(gender === undefined ? {} : { gender }),
  };
}
