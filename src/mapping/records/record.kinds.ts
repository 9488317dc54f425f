import type {
  AllergyIntolerance,
  Condition,
  Encounter,
  MedicationStatement,
  Observation,
  Procedure,
} from '@medplum/fhirtypes';
import { RECORD_KEY_SYSTEM, steadyUuid } from '../values/identity.js';

/** A visit, or a statement of the list that is kept as text. */
export type FurtherRecord = Encounter | AllergyIntolerance | MedicationStatement | Procedure;
/** A record of a patient that an import writes. */
export type PatientRecord = Condition | Observation | FurtherRecord;

/** The kinds of {@link FurtherRecord}. */
export const FURTHER_KINDS = ['Encounter', 'AllergyIntolerance', 'MedicationStatement', 'Procedure'] as const;

interface RecordsOfPlan {
  readonly conditions: readonly Condition[];
  readonly observations: readonly Observation[];
  readonly further?: readonly FurtherRecord[];
}

/** All records of a plan besides the Patient. */
export const recordsOf = ({ conditions, observations, further = [] }: RecordsOfPlan): PatientRecord[] => [
  ...conditions,
  ...observations,
  ...further,
];

/** The value of the record key of a record. It is the first identifier. */
export const recordKey = ({ identifier }: PatientRecord): string => identifier?.[0]?.value ?? '';

/** The `fullUrl` of a record in a transaction. Other records of the row refer to a visit by this URL. */
export const recordUrl = (key: string): string => `urn:uuid:${steadyUuid(`${RECORD_KEY_SYSTEM}|${key}`)}`;

/** The reference of a record to its patient. */
export const patientReference = (record: PatientRecord): string | undefined =>
  (record.resourceType === 'AllergyIntolerance' ? record.patient : record.subject)?.reference;

/** The reference of a record to its visit. */
export function visitReference(record: PatientRecord): string | undefined {
  if (record.resourceType === 'Encounter') return undefined;
  return (record.resourceType === 'MedicationStatement' ? record.context : record.encounter)?.reference;
}

/** The record with other references to its patient and its visit. Without `visit`, the record has no reference to a visit. */
export function withReferences<Kind extends PatientRecord>(
  record: Kind,
  patient: string,
  visit: string | undefined,
): Kind;
export function withReferences(
  record: PatientRecord,
  patient: string,
  visit: string | undefined,
): PatientRecord {
  const subject = { reference: patient };
  const reference = visit === undefined ? undefined : { reference: visit };
  if (record.resourceType === 'Encounter') return { ...record, subject };
  if (record.resourceType === 'MedicationStatement') {
    const { context: _context, ...others } = record;
    return { ...others, subject, ...(reference === undefined ? {} : { context: reference }) };
  }
  const encounter = reference === undefined ? {} : { encounter: reference };
  if (record.resourceType === 'AllergyIntolerance') {
    const { encounter: _visit, ...others } = record;
    return { ...others, patient: subject, ...encounter };
  }
  if (record.resourceType === 'Condition') {
    const { encounter: _visit, ...others } = record;
    return { ...others, subject, ...encounter };
  }
  if (record.resourceType === 'Procedure') {
    const { encounter: _visit, ...others } = record;
    return { ...others, subject, ...encounter };
  }
  const { encounter: _visit, ...others } = record;
  return { ...others, subject, ...encounter };
}
