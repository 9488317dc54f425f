import { z } from 'zod';
import { Expression, Split } from '../values/expression.js';

const Uri = z
  .string()
  .max(255)
  .regex(/^[a-z][a-z0-9+.-]*:\S+$/i);

/** Texts for an empty list, such as `NKDA` (no known drug allergies). */
const NONE = [
  'none, nil, nkda, nka, nkfa, no, no known allergies, no known drug allergies, no allergies, no medication, denies, denies allergies',
  'nega, nega alergias, nega alergia, não, nenhum, nenhuma, sem alergias, sem alergia, nada consta, não possui, não tem, não usa, sem medicação',
  'ninguna, ninguno, niega, niega alergias, sin alergias, no refiere, aucun, aucune, pas d’allergie, keine, keiner, keine bekannt',
  'n/a, na, -, --',
].flatMap((line) => line.split(', '));

/** The rule for a visit. The row has a visit if its number or its start is known. */
export const VisitRule = z
  .strictObject({
    number: Expression.optional().describe('The number of the visit. It identifies the visit of a patient.'),
    system: Uri.optional().describe(
      'The URI of the system of the visit numbers. Without it, the number is only used to find the visit again.',
    ),
    start: Expression.optional().describe(
      'When the visit began: a date, or a date with a time. Without a number, it identifies the visit.',
    ),
    end: Expression.optional().describe('When the visit ended. A visit with an end is finished.'),
    class: Expression.optional().describe(
      'The kind of the visit: AMB, IMP, EMER or another code of HL7 ActCode, or a word such as inpatient.',
    ),
    reason: Expression.optional().describe('The reason for the visit. It is kept as text.'),
  })
  .refine(({ number, start }) => number !== undefined || start !== undefined, {
    path: ['number'],
    error: 'A visit needs a number or a start.',
  });

const Statements = z.strictObject({
  texts: Split.describe('The column. Each of its items is kept as it is written.'),
  date: Expression.optional().describe('The date of the items of the row.'),
  none: z
    .array(z.string().min(1).max(100))
    .max(200)
    .default(NONE)
    .describe('Texts that say that there is nothing, for example NKDA. They give no record.'),
});
export type StatementsRule = z.infer<typeof Statements>;

const Procedures = Statements.extend({
  status: z
    .enum(['completed', 'unknown'])
    .optional()
    .describe(
      'The status of the procedures. By default, a procedure with a date is completed, and another is unknown.',
    ),
});
export type ProceduresRule = z.infer<typeof Procedures>;

/** The members of a mapping document for visits and for statements that are kept as text. */
export const RECORD_RULES = {
  visit: VisitRule.optional().describe(
    'The visit of a row, as an Encounter. The other records of the row refer to it.',
  ),
  allergies: z
    .array(Statements)
    .max(4)
    .default([])
    .describe('The columns with allergies, as AllergyIntolerance with a text and no code.'),
  medications: z
    .array(Statements)
    .max(4)
    .default([])
    .describe('The columns with medications, as MedicationStatement with a text and no code.'),
  procedures: z
    .array(Procedures)
    .max(4)
    .default([])
    .describe('The columns with procedures, as Procedure with a text and no code.'),
};

/** The specimen of a result. */
export const SpecimenRule = z
  .strictObject({
    number: Expression.optional().describe('The number of the specimen. It identifies the result.'),
    system: Uri.optional().describe('The URI of the system of the specimen numbers.'),
    type: Expression.optional().describe('The kind of the specimen, for example blood. It is kept as text.'),
  })
  .refine(({ number, type }) => number !== undefined || type !== undefined, {
    path: ['number'],
    error: 'A specimen needs a number or a type.',
  });
export type SpecimenRule = z.infer<typeof SpecimenRule>;

const Profiles = z.array(Uri).max(4).optional();

/** The rules for the metadata of the resources: the profiles that they claim, their source, and their narrative. */
export const MetadataRule = z.strictObject({
  profiles: z
    .strictObject({
      Patient: Profiles,
      Condition: Profiles,
      Observation: Profiles,
      Encounter: Profiles,
      AllergyIntolerance: Profiles,
      MedicationStatement: Profiles,
      Procedure: Profiles,
    })
    .default({})
    .describe(
      'The profiles that each kind of resource claims (`meta.profile`). Radgate fetches no profile. The FHIR server checks the resources, if it has the profile.',
    ),
  source: Uri.optional().describe('The URI of the system from which the list comes (`meta.source`).'),
  narrative: z
    .boolean()
    .default(false)
    .describe('Whether each resource gets a short text for people (`text`, with the status `generated`).'),
});
