import type { Bundle, BundleEntry, Condition, Observation, Patient } from '@medplum/fhirtypes';
import { steadyUuid } from './values/identity.js';
import type { RowPlan } from './row.plan.js';

/** More patients in one transaction are no faster, and one bad row holds up the others. */
export const MOST_PATIENTS = 50;

/** What is done about one resource: made, written over a version that was read, or left alone. */
export type ResourceWrite<Resource> =
  | { readonly action: 'create'; readonly resource: Resource }
  | { readonly action: 'update'; readonly id: string; readonly version: string; readonly resource: Resource }
  | { readonly action: 'keep'; readonly id: string };

/** All writes of one patient. */
export interface PatientWrites {
  readonly plan: RowPlan;
  readonly patient: ResourceWrite<Patient>;
  readonly records: readonly ResourceWrite<Condition | Observation>[];
}

/** A transaction with whose each entry is: the server's answers come in the same order and must be as many. */
export interface TransactionBundle {
  readonly bundle: Bundle;
  readonly owners: readonly string[];
}

/**
 * Builds one transaction. Every entry has a `fullUrl`; what is made is guarded by `ifNoneExist`, what is changed by `ifMatch`, so it
 * may be sent twice. Throws for more than 50 patients and for a patient or record that comes twice: the server would lose one
 * without a word.
 */
export function buildTransaction(writes: readonly PatientWrites[]): TransactionBundle {
  if (writes.length > MOST_PATIENTS)
    throw new Error(`A transaction holds ${MOST_PATIENTS} patients at most.`);
  const entries: BundleEntry[] = [];
  const owners: string[] = [];
  for (const { plan, patient, records } of writes) {
    const reference = patient.action === 'create' ? plan.fullUrl : `Patient/${patient.id}`;
    const made = [
      entryOf(patient, plan.fullUrl),
      ...records.map((record) => entryOf(pointing(record, reference))),
    ].filter((entry) => entry !== undefined);
    entries.push(...made);
    owners.push(...made.map(() => plan.patientKey));
  }
  const urls = new Set(entries.map(({ fullUrl }) => fullUrl));
  if (urls.size < entries.length) throw new Error('A resource comes twice in one transaction.');
  return { bundle: { resourceType: 'Bundle', type: 'transaction', entry: entries }, owners };
}

function pointing(record: ResourceWrite<Condition | Observation>, reference: string): typeof record {
  if (record.action !== 'create') return record;
  return { ...record, resource: { ...record.resource, subject: { reference } } };
}

function entryOf(
  write: ResourceWrite<Patient | Condition | Observation>,
  known?: string,
): BundleEntry | undefined {
  if (write.action === 'keep') return undefined;
  const { resource } = write;
  const [identifier] = resource.identifier ?? [];
  if (identifier?.system === undefined || identifier.value === undefined)
    throw new Error('A resource without an identifier cannot be written twice safely.');
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

/** A search by identifier (R4 §3.1.1.5): `,`, `|`, `$` and `\` of the parts are escaped, then the whole is percent-encoded. */
export function identifierQuery(system: string, value: string): string {
  const escaped = [system, value].map((part) => part.replace(/[\\,|$]/gu, (letter) => `\\${letter}`));
  return `identifier=${encodeURIComponent(escaped.join('|'))}`;
}
