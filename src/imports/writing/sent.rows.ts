import { z } from 'zod';
import type { EntryOutcome } from '../../fhir/fhir.records.js';
import {
  type ActiveWrite,
  activeWrites,
  type RowDecision,
  isOf,
  type KnownResources,
  recordTokens,
} from './row.decision.js';
import type { StoredRowOutcome, StoredWrite } from './row.store.js';

/** One thing that was about to be sent for a row: a new patient, a new record by its key, or an update of a version. */
const Sent = z.object({
  kind: z.string(),
  key: z.string().optional(),
  id: z.string().optional(),
  before: z.string().optional(),
});
export type Sent = z.output<typeof Sent>;
const SentRows = z.record(z.string().regex(/^\d+$/), z.array(Sent));

/** What was kept of a bundle under way, by row. */
export function readSent(kept: unknown): Map<number, readonly Sent[]> {
  return new Map(Object.entries(SentRows.parse(kept)).map(([row, sent]) => [Number(row), sent]));
}

/** What a decision is about to do, as it is kept before it is sent: keyed digests, ids and versions, nothing of a cell. */
export function announcementOf({ writes }: RowDecision): Sent[] {
  if (writes === undefined) return [];
  return activeWrites(writes).map((write): Sent => {
    const kind = write.resource.resourceType;
    if (write.action === 'update') return { kind, id: write.id, before: write.version };
    const [token] = write.resource.resourceType === 'Patient' ? [] : recordTokens([write.resource]);
    return token === undefined ? { kind } : { kind, key: token.value };
  });
}

/** What of the things that were sent before is on the server as it was sent: this import wrote it, though nobody heard the answer. */
export function adopted(
  { planned }: RowDecision,
  known: KnownResources,
  before: readonly Sent[],
): StoredWrite[] {
  const { plan } = planned;
  const patient = known.patients.find((one) => isOf(plan, one));
  const keys = recordTokens([...plan.conditions, ...plan.observations]).map(({ value }) => value);
  const found = [patient, ...keys.map((key) => known.records.get(key))].filter((one) => one !== undefined);
  const own = before.flatMap((sent): StoredWrite[] => {
    const { kind, id, key } = sent;
    if (id !== undefined && sent.before !== undefined) {
      const now = found.find((one) => one.resourceType === kind && one.id === id);
      const after = String(Number(sent.before) + 1);
      return now?.meta?.versionId === after ? [{ kind, id, before: sent.before, after }] : [];
    }
    const made = key === undefined ? patient : known.records.get(key);
    const asMade = made?.resourceType === kind && made.meta?.versionId === '1';
    return asMade ? [{ kind, id: made.id, after: '1' }] : [];
  });
  // A bundle that was sent twice was announced twice.
  return [...new Map(own.map((write) => [`${write.kind}/${write.id}/${write.after}`, write])).values()];
}

/** Whether somebody else made the patient between the look-up and the transaction (`ifNoneExist` answered 200): the row was not merged into it. */
export function wasRaced(sent: readonly ActiveWrite[], answers: readonly EntryOutcome[]): boolean {
  return answers.some(
    ({ kind, status }, at) => kind === 'Patient' && status === 200 && sent[at]?.action === 'create',
  );
}

/** What the answers say was written. */
export function writesOf(sent: readonly ActiveWrite[], answers: readonly EntryOutcome[]): StoredWrite[] {
  return answers.flatMap(({ status, kind, id, version }, at): StoredWrite[] => {
    const write = sent[at];
    if (write?.action === 'update') return [{ kind, id, before: write.version, after: version }];
    // 200 to a creation: it was there already, and nothing was written.
    return status === 201 ? [{ kind, id, after: version }] : [];
  });
}

/** The outcome of a row: what this import wrote before an answer was lost is its work all the same. */
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
