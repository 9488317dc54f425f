import type { Condition, Observation, Patient } from '@medplum/fhirtypes';
import type { Token } from '../../fhir/fhir.records.js';
import type { Stored } from '../../fhir/fhir.resources.js';
import { type Issue, issue } from '../../mapping/issue.js';
import { mergeCondition, type Merged, mergeObservation, mergePatient } from '../../mapping/owned.merge.js';
import type { RowPlan } from '../../mapping/row.plan.js';
import type { PatientWrites, ResourceWrite } from '../../mapping/transaction.bundle.js';
import type { FieldChange } from './row.changes.js';
import type { RowState } from './row.store.js';

/** A row that is planned, with what was found out about it on the way. */
export interface PlannedRow {
  readonly row: number;
  readonly plan: RowPlan;
  readonly issues: readonly Issue[];
}

/** What the server holds of the patients and records of some rows. */
export interface KnownResources {
  readonly patients: readonly Stored<Patient>[];
  /** Conditions and Observations that are there already, by the value of their record key. */
  readonly records: ReadonlyMap<string, Stored<Condition> | Stored<Observation>>;
}

/** A write that is sent. */
export type ActiveWrite = Exclude<ResourceWrite<Patient | Condition | Observation>, { action: 'keep' }>;

/** What must be sent for a row, and what it will have done. */
export interface RowDecision {
  readonly planned: PlannedRow;
  readonly state: Extract<RowState, 'created' | 'updated' | 'unchanged' | 'rejected' | 'waiting'>;
  /** Nothing is sent without. */
  readonly writes?: PatientWrites;
  readonly changes: readonly FieldChange[];
  readonly issues: readonly Issue[];
  /** The patient's id on the server, if it is there already. */
  readonly about?: string;
}

/** Decides what a row needs, given what is there: nothing, a new patient, or changed elements and missing records. */
export function decide(
  planned: PlannedRow,
  known: KnownResources,
  policy: 'upsert' | 'create_only',
): RowDecision {
  const { plan, issues } = planned;
  const found = known.patients.filter((patient) => isOf(plan, patient));
  if (found.length > 1)
    return { planned, state: 'rejected', changes: [], issues: [...issues, issue('patient-several')] };
  const [existing] = found;
  const merged = existing === undefined ? undefined : mergePatient(existing, plan.patient);
  const keep = policy === 'create_only';
  const patient = writeOf(plan.patient, existing, merged, keep);
  const records = [
    ...plan.conditions.map((own) => recordOf(own, known, mergeCondition, keep)),
    ...plan.observations.map((own) => recordOf(own, known, mergeObservation, keep)),
  ];
  const changes = [...patient.changes, ...records.flatMap((record) => record.changes)];
  const writes = { plan, patient: patient.write, records: records.map(({ write }) => write) };
  const silent = activeWrites(writes).length === 0;
  const state = existing === undefined ? 'created' : silent ? 'unchanged' : 'updated';
  return {
    planned,
    state: plan.waiting.length > 0 ? 'waiting' : state,
    ...(silent ? {} : { writes }),
    changes,
    issues,
    ...(existing === undefined ? {} : { about: existing.id }),
  };
}

/** The writes that become entries of a transaction, in its order. */
export function activeWrites({ patient, records }: PatientWrites): ActiveWrite[] {
  return [patient, ...records].flatMap((write) => (write.action === 'keep' ? [] : [write]));
}

/** Every way a patient of a plan may be known to the server: each identity under its own system and its aliases. */
export function tokensOf(plan: RowPlan): Token[] {
  return plan.identities.flatMap(({ system, value, aliases }) =>
    [system, ...aliases].map((each) => ({ system: each, value })),
  );
}

/** The keys of Conditions and Observations. */
export function recordTokens(records: readonly (Condition | Observation)[]): Token[] {
  return records.flatMap(({ identifier }) => {
    const [own] = identifier ?? [];
    return own?.system === undefined || own.value === undefined
      ? []
      : [{ system: own.system, value: own.value }];
  });
}

/** Whether a stored patient bears one of the identities of a plan, under its own system or an alias. */
export function isOf(plan: RowPlan, patient: Patient): boolean {
  const tokens = tokensOf(plan);
  return (patient.identifier ?? []).some((own) =>
    tokens.some(({ system, value }) => own.system === system && own.value === value),
  );
}

interface Considered<Resource> {
  readonly write: ResourceWrite<Resource>;
  readonly changes: readonly FieldChange[];
}

function writeOf<Kind extends Patient | Condition | Observation>(
  own: Kind,
  existing: Stored<Kind> | undefined,
  merged: Merged<Kind> | undefined,
  keep: boolean,
): Considered<Kind> {
  const resource = own.resourceType;
  if (existing === undefined || merged === undefined) {
    const elements = Object.entries(own).filter(([element]) => element !== 'resourceType');
    const changes = elements.map(([element, after]: [string, unknown]) => ({ resource, element, after }));
    return { write: { action: 'create', resource: own }, changes };
  }
  if (keep || merged.changes.length === 0) return { write: { action: 'keep', id: existing.id }, changes: [] };
  const version = existing.meta?.versionId ?? '';
  return {
    write: { action: 'update', id: existing.id, version, resource: merged.resource },
    changes: merged.changes.map((change) => ({ resource, ...change })),
  };
}

function recordOf<Kind extends Condition | Observation>(
  own: Kind,
  known: KnownResources,
  merge: (existing: Kind, ours: Kind) => Merged<Kind>,
  keep: boolean,
): Considered<Kind> {
  const [token] = recordTokens([own]);
  const existing = known.records.get(token?.value ?? '');
  if (existing === undefined || !isSameKind(existing, own)) return writeOf(own, undefined, undefined, keep);
  return writeOf(own, existing, merge(existing, own), keep);
}

function isSameKind<Kind extends Condition | Observation>(
  existing: Stored<Condition> | Stored<Observation>,
  own: Kind,
): existing is Stored<Kind> & typeof existing {
  return existing.resourceType === own.resourceType;
}
