import type { Patient } from '@medplum/fhirtypes';
import type { Token } from '../../fhir/fhir.records.js';
import type { Stored } from '../../fhir/fhir.resources.js';
import type { PatientRecord } from '../../mapping/records/record.kinds.js';
import type { PatientIdentity, RowPlan } from '../../mapping/row.plan.js';
import { RECORD_KEY_SYSTEM } from '../../mapping/values/identity.js';

/** The resources on the server that match the plans of some rows. */
export interface KnownResources {
  readonly patients: readonly Stored<Patient>[];
  /** Existing records, by the value of their record identifier. */
  readonly records: ReadonlyMap<string, Stored<PatientRecord>>;
}

/**
 * The identifiers to use in a search for the patient of a plan. Each value is used with its own system and with each alias system. The forms
 * of earlier versions are used too.
 */
export function tokensOf(plan: RowPlan): Token[] {
  return plan.identities.flatMap(({ system, value, aliases, former = [] }) => [
    ...[system, ...aliases].map((each) => ({ system: each, value })),
    ...former,
  ]);
}

/** The identifiers of records that earlier versions wrote for a plan. */
export const formerTokens = ({ formerRecords = {} }: RowPlan): Token[] =>
  Object.values(formerRecords)
    .flat()
    .map((value) => ({ system: RECORD_KEY_SYSTEM, value }));

/** The forms in which earlier versions wrote the identifiers of a plan. */
export const formerOf = ({ identities }: RowPlan) => identities.flatMap(({ former = [] }) => former);

/** The patients on the server that have an identifier of a plan. Only the chosen patient if a person has chosen one of them. */
export function patientsOf(plan: RowPlan, { patients }: KnownResources): Stored<Patient>[] {
  const found = patients.filter((patient) => isPatientOf(plan, patient));
  const chosen = found.find(({ id }) => id === plan.chosen?.id);
  return chosen === undefined ? found : [chosen];
}

/** Whether a stored patient has one of the identifiers of a plan, under the system of the identifier or under an alias system. */
export const isPatientOf = (plan: RowPlan, patient: Patient): boolean =>
  plan.identities.some((identity) => isIdentityOf(identity, patient));

/**
 * Whether a patient has an identifier, under its system or under an alias system, or in a form of an earlier version. The form of an earlier
 * version does not name the sender. Once a sender has written its own form, the earlier form is marked as old and belongs to that sender.
 */
export function isIdentityOf(
  { system, value, aliases, former = [] }: PatientIdentity,
  patient: Patient,
): boolean {
  return (patient.identifier ?? []).some(
    (own) =>
      (own.value === value && (own.system === system || aliases.includes(own.system ?? ''))) ||
      (own.use !== 'old' && former.some((one) => one.system === own.system && one.value === own.value)),
  );
}
