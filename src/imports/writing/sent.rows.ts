import { z } from 'zod';
import type { EntryOutcome } from '../../fhir/fhir.records.js';
import { recordsOf } from '../../mapping/records/record.kinds.js';
import { type KnownResources, patientsOf } from './patient.matching.js';
import { type ActiveWrite, activeWrites, type RowDecision, recordTokens } from './row.decision.js';
import type { StoredRowOutcome, StoredWrite } from './row.store.js';

/**
 * A write that is recorded before it is sent. The write is a new patient, a new record with a key, or an update of one version of a
 * resource.
 */
const Sent = z.object({
  kind: z.string(),
  key: z.string().optional(),
  id: z.string().optional(),
  before: z.string().optional(),
});
export type Sent = z.output<typeof Sent>;
const SentRows = z.record(z.string().regex(/^\d+$/), z.array(Sent));

/** Parses the writes that were sent but whose responses were not stored. The result is a map by row number. */
export function readSent(stored: unknown): Map<number, readonly Sent[]> {
  return new Map(Object.entries(SentRows.parse(stored)).map(([row, sent]) => [Number(row), sent]));
}

/**
 * The writes of a decision in the form that is stored before they are sent. They contain keyed digests, ids and versions, and no patient
 * data.
 */
export function sentOf({ writes }: RowDecision): Sent[] {
  if (writes === undefined) return [];
  return activeWrites(writes).map((write): Sent => {
    const kind = write.resource.resourceType;
    if (write.action === 'update') return { kind, id: write.id, before: write.version };
    const [token] = write.resource.resourceType === 'Patient' ? [] : recordTokens([write.resource]);
    return token === undefined ? { kind } : { kind, key: token.value };
  });
}

/** Earlier writes that succeeded on the server although their responses were lost. They count as writes of this import. */
export function ownWrites(
  { planned }: RowDecision,
  known: KnownResources,
  before: readonly Sent[],
): StoredWrite[] {
  const { plan } = planned;
  const [patient] = patientsOf(plan, known);
  const keys = recordTokens(recordsOf(plan)).map(({ value }) => value);
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
  // If a bundle was sent twice, each of its writes is recorded twice. Remove the duplicates.
  return [...new Map(own.map((write) => [`${write.kind}/${write.id}/${write.after}`, write])).values()];
}

/**
 * Whether a resource of a new patient existed already, although the look-up did not find it. Another client created it between the look-up
 * and the transaction, or a record exists without its patient. The response for `ifNoneExist` is then 200, and the row was not merged into
 * that resource. A second look-up finds it.
 */
export function isConcurrentCreate(sent: readonly ActiveWrite[], answers: readonly EntryOutcome[]): boolean {
  const isNew = sent.some(
    ({ action, resource }) => action === 'create' && resource.resourceType === 'Patient',
  );
  return isNew && answers.some(({ status }, at) => status === 200 && sent[at]?.action === 'create');
}

/** The sent writes that the answers confirm. A create with the answer 200 wrote nothing, so a later look-up must not count it as a write. */
export function confirmedOf(decision: RowDecision, answers: readonly EntryOutcome[]): Sent[] {
  return sentOf(decision).filter(({ before }, at) => before !== undefined || answers[at]?.status === 201);
}

/** The writes that the responses of the transaction confirm. */
export function writesOf(sent: readonly ActiveWrite[], answers: readonly EntryOutcome[]): StoredWrite[] {
  return answers.flatMap(({ status, kind, id, version }, at): StoredWrite[] => {
    const write = sent[at];
    if (write?.action === 'update') return [{ kind, id, before: write.version, after: version }];
    // For a create, 200 means that the resource existed already and nothing was written.
    return status === 201 ? [{ kind, id, after: version }] : [];
  });
}

/** The outcome of a row. `writes` must include the writes of earlier transactions whose responses were lost. */
export function outcomeOf(
  { planned, state, changes, issues, about: found, uses }: RowDecision,
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
  if (uses === undefined) return outcome;
  const written = { ...outcome, uses };
  if (state === 'waiting') return written;
  if (writes.some(({ kind, before }) => kind === 'Patient' && before === undefined))
    return { ...written, state: 'created' };
  return state === 'unchanged' && writes.length > 0 ? { ...written, state: 'updated' } : written;
}
