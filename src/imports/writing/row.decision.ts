import type { Condition, Observation, Patient } from '@medplum/fhirtypes';
import type { Token } from '../../fhir/fhir.records.js';
import type { Stored } from '../../fhir/fhir.resources.js';
import { withFreeKeys } from '../../mapping/records/chosen.patient.js';
import type { IssueCode } from '../../mapping/issue.codes.js';
import { type Issue, issue, rejects } from '../../mapping/issue.js';
import { conflictsIn } from '../../mapping/duplicates.js';
import {
  correctObservation,
  mergeCondition,
  type Merged,
  mergeFurther,
  mergePatient,
  mergeProfiles,
} from '../../mapping/owned.merge.js';
import {
  type FurtherRecord,
  patientReference,
  type PatientRecord,
  recordKey,
} from '../../mapping/records/record.kinds.js';
import { withNarrative } from '../../mapping/records/resource.metadata.js';
import { hasSameValue } from '../../mapping/result.value.js';
import type { RowPlan, WordUse } from '../../mapping/row.plan.js';
import type { PatientWrites, ResourceWrite } from '../../mapping/transaction.bundle.js';
import { formerOf, type KnownResources, patientsOf } from './patient.matching.js';
import type { FieldChange } from './row.changes.js';
import type { RowState } from './row.store.js';

/** A row with its plan and issues. */
export interface PlannedRow {
  readonly row: number;
  readonly plan: RowPlan;
  readonly issues: readonly Issue[];
}

/** A create or an update. */
export type ActiveWrite = Exclude<ResourceWrite<Patient | PatientRecord>, { action: 'keep' }>;

/** The decision for a row: the writes of the row, and the state of the row after the writes. */
export interface RowDecision {
  readonly planned: PlannedRow;
  readonly state: Extract<RowState, 'created' | 'updated' | 'unchanged' | 'rejected' | 'waiting'>;
  /** The writes of the row. Missing when the row needs no write. */
  readonly writes?: PatientWrites;
  readonly changes: readonly FieldChange[];
  readonly issues: readonly Issue[];
  /** The id of the existing patient on the server. */
  readonly about?: string;
  /** The words that gave records. Missing when the row is rejected, or waits for a decision about its identity. */
  readonly uses?: readonly WordUse[];
}

/** How a row may change existing resources. */
export interface DecisionOptions {
  readonly policy: 'upsert' | 'create_only';
  readonly corrections: 'reject' | 'amend';
}

/** The result of comparing a row with the patients that have its identifiers. `same` means that a person decided so. */
export type IdentityVerdict = 'wait' | 'reject' | 'same';

/**
 * Compares a plan with the existing resources and decides the writes and the state of the row. `verdict` is set when the row contradicts
 * the patient with the same identifier, or fits several patients.
 */
export function decide(
  read: PlannedRow,
  known: KnownResources,
  { policy, corrections }: DecisionOptions,
  verdict?: IdentityVerdict,
): RowDecision {
  const { issues } = read;
  const patients = patientsOf(read.plan, known);
  const stopped = (state: 'rejected' | 'waiting', ...codes: readonly IssueCode[]): RowDecision => ({
    planned: read,
    state,
    changes: [],
    issues: [...issues, ...codes.map((code) => issue(code))],
  });
  if (verdict === 'reject') return stopped('rejected', 'identity-rejected');
  if (patients.length > 1) return stopped('waiting', 'patient-several', 'identity-review');
  if (verdict === 'wait') return stopped('waiting', 'identity-review');
  const plan = withFreeKeys(read.plan, (key) => ownerOf(known.records.get(key)));
  const planned = { ...read, plan };
  const [existing] = patients;
  const merged = existing === undefined ? undefined : mergePatient(existing, plan.patient, formerOf(plan));
  const place = { plan, known, patient: existing?.id };
  const keep = policy === 'create_only';
  const patient = writeOf(plan.patient, existing, merged, keep);
  const results = plan.observations.map((own) => resultOf(own, place, corrections, keep));
  const conflicts = plan.observations.flatMap((own, at) =>
    results[at] === 'conflict' ? [conflictOf(own, plan)] : [],
  );
  const found = [...issues, ...conflictsIn(plan), ...conflicts];
  if (rejects(conflicts)) return { planned, state: 'rejected', changes: [], issues: found };
  const records = [
    ...plan.conditions.map((own) => conditionOf(own, place, keep)),
    ...results.filter((one) => one !== 'conflict'),
    ...(plan.further ?? []).map((own) => furtherOf(own, place, keep)),
  ];
  const changes = [...patient.changes, ...records.flatMap((record) => record.changes)];
  const writes = { plan, patient: patient.write, records: records.map(({ write }) => write) };
  const isUnchanged = activeWrites(writes).length === 0;
  const state = existing === undefined ? 'created' : isUnchanged ? 'unchanged' : 'updated';
  return {
    planned,
    state: plan.waiting.length > 0 ? 'waiting' : state,
    ...(isUnchanged ? {} : { writes }),
    changes,
    issues: found,
    uses: plan.uses,
    ...(existing === undefined ? {} : { about: existing.id }),
  };
}

const ownerOf = (record: PatientRecord | undefined) =>
  record === undefined ? undefined : patientReference(record);

/** The creates and updates of a row, in the order of the entries of the transaction. */
export function activeWrites({ patient, records }: PatientWrites): ActiveWrite[] {
  return [patient, ...records].flatMap((write) => (write.action === 'keep' ? [] : [write]));
}

/** The first identifier of each record. */
export function recordTokens(records: readonly PatientRecord[]): Token[] {
  return records.flatMap(({ identifier }) => {
    const [own] = identifier ?? [];
    return own?.system === undefined || own.value === undefined
      ? []
      : [{ system: own.system, value: own.value }];
  });
}

/** The identifiers to use in a search for these records of a plan, with the identifiers of earlier versions. */
export function searchTokens(records: readonly PatientRecord[], { results }: RowPlan): Token[] {
  return recordTokens(records).flatMap(({ system, value }) =>
    [value, ...(results[value]?.aliases ?? [])].map((each) => ({ system, value: each })),
  );
}

interface WriteDecision<Resource> {
  readonly write: ResourceWrite<Resource>;
  readonly changes: readonly FieldChange[];
}

function writeOf<Kind extends Patient | PatientRecord>(
  own: Kind,
  existing: Stored<Kind> | undefined,
  merged: Merged<Kind> | undefined,
  keep: boolean,
): WriteDecision<Kind> {
  const resource = own.resourceType;
  if (existing === undefined || merged === undefined) {
    const elements = Object.entries(own).filter(([element]) => element !== 'resourceType');
    const changes = elements.map(([element, after]: [string, unknown]) => ({ resource, element, after }));
    return { write: { action: 'create', resource: own }, changes };
  }
  if (keep || merged.changes.length === 0) return { write: { action: 'keep', id: existing.id }, changes: [] };
  const version = existing.meta?.versionId ?? '';
  return {
    write: { action: 'update', id: existing.id, version, resource: withNarrative(existing, merged.resource) },
    changes: merged.changes.map((change) => ({ resource, ...change })),
  };
}

/** The plan of a record, the known resources, and the id of the patient on the server. */
interface Place {
  readonly plan: RowPlan;
  readonly known: KnownResources;
  readonly patient: string | undefined;
}

/**
 * The stored records with identifiers that earlier versions gave a record. Patients of two senders had the same earlier identifiers, so such
 * a record must belong to the patient of the plan.
 */
const earlierRecords = (values: readonly string[], { known, patient }: Place) =>
  values
    .map((value) => known.records.get(value))
    .filter((record) => {
      const reference = (record === undefined ? undefined : patientReference(record)) ?? '';
      return !reference.startsWith('Patient/') || reference === `Patient/${patient ?? ''}`;
    });

function conditionOf(own: Condition, place: Place, keep: boolean): WriteDecision<Condition> {
  const key = recordTokens([own])[0]?.value ?? '';
  const { results, formerRecords = {} } = place.plan;
  const earlier = [...(results[key]?.aliases ?? []), ...(formerRecords[key] ?? [])];
  const existing = [place.known.records.get(key), ...earlierRecords(earlier, place)].find(
    (one) => one?.resourceType === 'Condition',
  );
  const merged =
    existing === undefined ? undefined : mergeProfiles(existing, own, mergeCondition(existing, own));
  return writeOf(own, existing, merged, keep);
}

/** The write of a visit or of a statement that is kept as text. */
function furtherOf(own: FurtherRecord, place: Place, keep: boolean): WriteDecision<FurtherRecord> {
  const key = recordKey(own);
  const { results, formerRecords = {} } = place.plan;
  const earlier = [...(results[key]?.aliases ?? []), ...(formerRecords[key] ?? [])];
  const existing = [place.known.records.get(key), ...earlierRecords(earlier, place)].find(
    (one): one is Stored<FurtherRecord> => one?.resourceType === own.resourceType,
  );
  const merged =
    existing === undefined ? undefined : mergeProfiles(existing, own, mergeFurther(existing, own));
  return writeOf(own, existing, merged, keep);
}

/**
 * The write of a result. A result with the same time and another value is a conflict, unless corrections are allowed. A result without a
 * time is never changed.
 */
function resultOf(
  own: Observation,
  place: Place,
  corrections: DecisionOptions['corrections'],
  keep: boolean,
): WriteDecision<Observation> | 'conflict' {
  const key = recordTokens([own])[0]?.value ?? '';
  const { aliases = [], undated } = place.plan.results[key] ?? {};
  const former = place.plan.formerRecords?.[key] ?? [];
  const existing =
    [place.known.records.get(key), ...earlierRecords(former, place)].find(
      (one) => one?.resourceType === 'Observation',
    ) ??
    earlierRecords(aliases, place)
      .filter((one) => one?.resourceType === 'Observation')
      .find((one) => hasSameValue(one, own));
  if (existing === undefined) return writeOf(own, undefined, undefined, keep);
  if (keep || undated === true || hasSameValue(existing, own))
    return writeOf(own, existing, mergeProfiles(existing, own, { resource: existing, changes: [] }), keep);
  if (corrections === 'reject') return 'conflict';
  return writeOf(own, existing, correctObservation(existing, own), keep);
}

/** The issue of a conflict. In a merged row, only the result is left out, because the row stands for several rows. */
function conflictOf(own: Observation, { results, merged }: RowPlan): Issue {
  const { column } = results[recordTokens([own])[0]?.value ?? ''] ?? {};
  return issue('result-conflict', column, merged === true ? 'warning' : 'error');
}
