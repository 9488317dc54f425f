import type { Bundle, BundleEntry, Patient } from '@medplum/fhirtypes';
import {
  type PatientRecord,
  recordKey,
  recordsOf,
  recordUrl,
  visitReference,
  withReferences,
} from './records/record.kinds.js';
import { steadyUuid } from './values/identity.js';
import type { RowPlan } from './row.plan.js';

/** The maximum number of patients in a transaction. A larger transaction is not faster, and a bad row in it delays more rows. */
export const MOST_PATIENTS = 50;

/** The write of a resource: create the resource, update the version that was read, or keep the resource unchanged. */
export type ResourceWrite<Resource> =
  | { readonly action: 'create'; readonly resource: Resource }
  | { readonly action: 'update'; readonly id: string; readonly version: string; readonly resource: Resource }
  | { readonly action: 'keep'; readonly id: string };

/** The writes of one Patient and of the records of that Patient. */
export interface PatientWrites {
  readonly plan: RowPlan;
  readonly patient: ResourceWrite<Patient>;
  readonly records: readonly ResourceWrite<PatientRecord>[];
}

/** A transaction. `owners` contains the patient key of each entry. The response has the same number of entries in the same order. */
export interface TransactionBundle {
  readonly bundle: Bundle;
  readonly owners: readonly string[];
}

/**
 * Builds one transaction. Every entry has a `fullUrl`. Creates have `ifNoneExist` and updates have `ifMatch`, so it is safe to send the
 * transaction twice. Throws for more than 50 patients. Also throws for a duplicate resource, because the server would silently drop one of
 * the duplicates.
 */
export function buildTransaction(writes: readonly PatientWrites[]): TransactionBundle {
  if (writes.length > MOST_PATIENTS)
    throw new Error(`A transaction can hold at most ${MOST_PATIENTS} patients.`);
  const entries: BundleEntry[] = [];
  const owners: string[] = [];
  for (const { plan, patient, records } of writes) {
    const reference = patient.action === 'create' ? plan.fullUrl : `Patient/${patient.id}`;
    const visits = visitsOf(plan, records);
    const own = [
      entryOf(patient, plan.fullUrl),
      ...records.map((record) => entryOf(placed(record, reference, visits))),
    ].filter((entry) => entry !== undefined);
    entries.push(...own);
    owners.push(...own.map(() => plan.patientKey));
  }
  const urls = new Set(entries.map(({ fullUrl }) => fullUrl));
  if (urls.size < entries.length) throw new Error('A resource occurs twice in one transaction.');
  return { bundle: { resourceType: 'Bundle', type: 'transaction', entry: entries }, owners };
}

/** The references of the visits that exist already, by the URL that the records of the plan use. */
function visitsOf(plan: RowPlan, records: PatientWrites['records']): ReadonlyMap<string, string> {
  return new Map(
    recordsOf(plan).flatMap((record, at): [string, string][] => {
      const write = records[at];
      if (record.resourceType !== 'Encounter' || write === undefined || write.action === 'create') return [];
      return [[recordUrl(recordKey(record)), `Encounter/${write.id}`]];
    }),
  );
}

function placed(
  record: ResourceWrite<PatientRecord>,
  patient: string,
  visits: ReadonlyMap<string, string>,
): ResourceWrite<PatientRecord> {
  if (record.action !== 'create') return record;
  const visit = visitReference(record.resource);
  const resource = withReferences(record.resource, patient, visits.get(visit ?? '') ?? visit);
  return { ...record, resource };
}

function entryOf(write: ResourceWrite<Patient | PatientRecord>, known?: string): BundleEntry | undefined {
  if (write.action === 'keep') return undefined;
  const { resource } = write;
  const [identifier] = resource.identifier ?? [];
  if (identifier?.system === undefined || identifier.value === undefined)
    throw new Error('A resource needs an identifier, so that it can be written twice safely.');
  const { system, value } = identifier;
  const fullUrl = known ?? `urn:uuid:${steadyUuid(`${system}|${value}`)}`;
  const { resourceType } = resource;
  if (write.action === 'create') {
    const request = {
      method: 'POST' as const,
      url: resourceType,
      ifNoneExist: identifierQuery(system, value),
    };
    return { fullUrl, resource, request };
  }
  const request = {
    method: 'PUT' as const,
    url: `${resourceType}/${write.id}`,
    ifMatch: `W/"${write.version}"`,
  };
  return { fullUrl, resource: { ...resource, id: write.id }, request };
}

/** The query of a search by identifier (R4 §3.1.1.5). Escapes `,`, `|`, `$` and `\` in both parts, then percent-encodes the result. */
export function identifierQuery(system: string, value: string): string {
  const escaped = [system, value].map((part) => part.replace(/[\\,|$]/gu, (letter) => `\\${letter}`));
  return `identifier=${encodeURIComponent(escaped.join('|'))}`;
}
