import { z } from 'zod';
import type { EntryOutcome } from '../../fhir/fhir.records.js';
import {
  type ActiveWrite,
  activeWrites,
  type RowDecision,
  isPatientOf,
  type KnownResources,
  recordTokens,
} from './row.decision.js';
import type { StoredRowOutcome, StoredWrite } from './row.store.js';

/** A write that was about to be sent for a row: a new patient, a new record by its key, or an update of a version. */
const Sent = z.object({
  kind: z.string(),
  key: z.string().optional(),
  id: z.string().optional(),
  before: z.string().optional(),
});
export type Sent = z.output<typeof Sent>;
const SentRows = z.record(z.string().regex(/^\d+$/), z.array(Sent));

/** Parses the stored writes of a bundle without a response, by row. */
export function readSent(stored: unknown): Map<number, readonly Sent[]> {
  return new Map(Object.entries(SentRows.parse(stored)).map(([row, sent]) => [Number(row), sent]));
}

/** The writes of a decision, as stored before they are sent: keyed digests, ids and versions, no patient data. */
export function sentOf({ writes }: RowDecision): Sent[] {
  if (writes === undefined) return [];
  return activeWrites(writes).map((write): Sent => {
    const kind = write.resource.resourceType;
    if (write.action === 'update') return { kind, id: write.id, before: write.version };
    const [token] = write.resource.resourceType === 'Patient' ? [] : recordTokens([write.resource]);
    return token === undefined ? { kind } : { kind, key: token.value };
  });
}

/** The writes that were sent earlier, without a response, and are on the server: they are writes of this import. */
export function ownWrites(
  { planned }: RowDecision,
  known: KnownResources,
  before: readonly Sent[],
): StoredWrite[] {
  const { plan } = planned;
  const patient = known.patients.find((one) => isPatientOf(plan, one));
  const keys = recordTokens([...plan.conditions, ...plan.observations]).map(({ value }) => value);
  const found = [patient, ...keys.map((key) => known.records.get(key))].filter((one) => one !== undefined);
  const own = before.flatMap((sent): StoredWrite[] => {
    const { kind, id, key } = sent;
    if (id !== undefined && sent.before !== undefined) {
      const now = found.find((one) => one.resourceType === kind && one.id === id);
      const after = String(Number(sent.before) + 1);
      return now?.meta?.versionId === after ? [{ kind, id, before: sent.before, after }] : [];
    }
    const created = key === undefined ? patient : known.records.get(key);
    const isUnchanged = created?.resourceType === kind && created.meta?.versionId === '1';
    return isUnchanged ? [{ kind, id: created.id, after: '1' }] : [];
  });
  // A bundle that was sent twice is recorded twice.
  return [...new Map(own.map((write) => [`${write.kind}/${write.id}/${write.after}`, write])).values()];
}

/** Whether another client created the patient between look-up and transaction (200 for `ifNoneExist`), so that the row was not merged. */
export function isConcurrentCreate(sent: readonly ActiveWrite[], answers: readonly EntryOutcome[]): boolean {
  return answers.some(
    ({ kind, status }, at) => kind === 'Patient' && status === 200 && sent[at]?.action === 'create',
  );
}

/** The writes that the responses confirm. */
export function writesOf(sent: readonly ActiveWrite[], answers: readonly EntryOutcome[]): StoredWrite[] {
  return answers.flatMap(({ status, kind, id, version }, at): StoredWrite[] => {
    const write = sent[at];
    if (write?.action === 'update') return [{ kind, id, before: write.version, after: version }];
    // 200 for a create: the resource existed, and nothing was written.
    return status === 201 ? [{ kind, id, after: version }] : [];
  });
}

/** The outcome of a row. Its writes include those before a lost response. */
export function outcomeOf(
  { planned, state, changes, issues, about: found }: RowDecision,
  writes: readonly StoredWrite[],
): StoredRowOutcome {
  const about = found ?? writes.find(({ kind }) => kind === 'Patient')?.id;
  const outcome = {
    row: planned.row,
    state,
    issues,
    changes,
    writes,
    ...(about === undefined ? {} : { about }),
  };
  if (state === 'waiting' || state === 'rejected') return outcome;
  if (writes.some(({ kind, before }) => kind === 'Patient' && before === undefined))
    return { ...outcome, state: 'created' };
  return state === 'unchanged' && writes.length > 0 ? { ...outcome, state: 'updated' } : outcome;
}
