import type { Bundle, BundleEntry, Condition, Observation } from '@medplum/fhirtypes';
import type { EntryOutcome } from '../../fhir/fhir.records.js';
import type { Stored } from '../../fhir/fhir.resources.js';
import type { WordUse } from '../../mapping/row.plan.js';
import { visitReference, withReferences } from '../../mapping/records/record.kinds.js';
import { withNarrative } from '../../mapping/records/resource.metadata.js';
import { identifierQuery } from '../../mapping/transaction.bundle.js';
import { RECORD_KEY_SYSTEM, steadyUuid } from '../../mapping/values/identity.js';
import { hasSameCodes, withdraw, WITHDRAWN_KEY_SYSTEM } from '../../mapping/withdrawn.record.js';
import type { StoredWrite } from './row.store.js';
import type { SentCorrection, StaleUse } from './stale.uses.js';

export type WordRecord = Condition | Observation;
type StoredRecord = Stored<Condition> | Stored<Observation>;

/** A stale use, and the record and uses that the current decision gives. Without `record`, the word is ignored. */
export interface Move {
  readonly use: StaleUse;
  readonly uses: readonly WordUse[];
  readonly record?: WordRecord;
}

/** The records on the server that some moves concern, by the value of their key. */
export interface FoundRecords {
  readonly valid: ReadonlyMap<string, StoredRecord>;
  readonly withdrawn: readonly StoredRecord[];
}

/** The writes of a move: the record to withdraw, and the record to create. */
export interface MoveWrites {
  readonly move: Move;
  readonly old?: StoredRecord;
  readonly created?: WordRecord;
}

/** The value of a record's own key in a system. */
export const keyIn = (system: string, { identifier }: WordRecord): string | undefined =>
  identifier?.find((one) => one.system === system)?.value;

const keyOf = (record: WordRecord | undefined) =>
  record === undefined ? undefined : keyIn(RECORD_KEY_SYSTEM, record);

/**
 * Decides the writes of some moves. A record is not withdrawn if `supported` contains its key, or if a person has already marked it as
 * `entered-in-error`. Two moves of the same record give one write.
 */
export function planMoves(
  moves: readonly Move[],
  found: FoundRecords,
  supported: ReadonlySet<string>,
): MoveWrites[] {
  const withdrawn = new Set<string>();
  const created = new Set<string>();
  return moves.map((move): MoveWrites => {
    const { use, record } = move;
    const old = found.valid.get(use.record);
    const key = keyOf(record);
    const isSameKey = key === use.record;
    if (old !== undefined && record !== undefined && hasSameCodes(old, record)) return { move };
    const withdraws =
      old !== undefined && !supported.has(use.record) && !isInError(old) && !withdrawn.has(use.record);
    if (withdraws) withdrawn.add(use.record);
    const isFree = isSameKey ? old === undefined || withdraws : !found.valid.has(key ?? '');
    const creates = record !== undefined && key !== undefined && isFree && !created.has(key);
    if (creates) created.add(key);
    const reference = use.about === null ? old?.subject?.reference : `Patient/${use.about}`;
    return {
      move,
      ...(withdraws ? { old } : {}),
      ...(creates && reference !== undefined
        ? { created: withReferences(record, reference, old === undefined ? undefined : visitReference(old)) }
        : {}),
    };
  });
}

const isInError = (record: WordRecord): boolean =>
  record.resourceType === 'Observation'
    ? record.status === 'entered-in-error'
    : (record.verificationStatus?.coding ?? []).some(({ code }) => code === 'entered-in-error');

interface MoveEntry {
  readonly entry: BundleEntry;
  readonly use: StaleUse;
  /** The version of a withdrawn record before the move. */
  readonly before?: string;
}

/** The entries of a move, in the order of its answers. */
function entriesOf({ move, old, created }: MoveWrites): MoveEntry[] {
  const { use } = move;
  const entries: MoveEntry[] = [];
  if (old !== undefined) {
    const before = old.meta?.versionId ?? '';
    const url = `${old.resourceType}/${old.id}`;
    const request = { method: 'PUT' as const, url, ifMatch: `W/"${before}"` };
    const fullUrl = `urn:uuid:${steadyUuid(`withdrawn ${url}`)}`;
    entries.push({
      entry: { fullUrl, resource: withNarrative<WordRecord>(old, withdraw(old)), request },
      use,
      before,
    });
  }
  const key = keyOf(created);
  if (created === undefined || key === undefined) return entries;
  const fullUrl = `urn:uuid:${steadyUuid(`${RECORD_KEY_SYSTEM}|${key}`)}`;
  // The server searches before it withdraws the old record, so a condition would find an old record with the same key.
  const condition =
    key === use.record && old !== undefined ? {} : { ifNoneExist: identifierQuery(RECORD_KEY_SYSTEM, key) };
  const request = { method: 'POST' as const, url: created.resourceType, ...condition };
  return [...entries, { entry: { fullUrl, resource: created, request }, use }];
}

/** A transaction of moves without its Provenance. `targets` are the references for the Provenance. */
export interface MovesTransaction {
  readonly entries: readonly MoveEntry[];
  readonly targets: readonly string[];
}

export function transactionOf(writes: readonly MoveWrites[]): MovesTransaction {
  const entries = writes.flatMap(entriesOf);
  const targets = entries.map(({ entry, before }) =>
    before === undefined ? (entry.fullUrl ?? '') : (entry.request?.url ?? ''),
  );
  return { entries, targets };
}

/** The bundle of a transaction. `last` is the entry of the Provenance. */
export const bundleOf = ({ entries }: MovesTransaction, last: BundleEntry): Bundle => ({
  resourceType: 'Bundle',
  type: 'transaction',
  entry: [...entries.map(({ entry }) => entry), last],
});

/** The writes that the answers confirm, by the id of the use. */
export function confirmedWrites(
  { entries }: MovesTransaction,
  answers: readonly EntryOutcome[],
): Map<number, StoredWrite[]> {
  const confirmed = new Map<number, StoredWrite[]>();
  for (const [at, { use, before }] of entries.entries()) {
    const answer = answers[at];
    // For a create, 200 means that the record existed already.
    if (answer === undefined || (before === undefined && answer.status !== 201)) continue;
    const { kind, id, version } = answer;
    const write = { kind, id, ...(before === undefined ? {} : { before }), after: version };
    confirmed.set(use.id, [...(confirmed.get(use.id) ?? []), write]);
  }
  return confirmed;
}

/** The writes of an earlier transaction that succeeded although its response was lost. */
export function lostWrites(
  { use, record }: Move,
  sent: SentCorrection | undefined,
  found: FoundRecords,
): StoredWrite[] {
  if (sent === undefined) return [];
  const { before, creates } = sent;
  const after = String(Number(before) + 1);
  const old = found.withdrawn.find(
    (one) => keyIn(WITHDRAWN_KEY_SYSTEM, one) === use.record && one.meta?.versionId === after,
  );
  const created = found.valid.get(keyOf(record) ?? '');
  return [
    ...(before === undefined || old === undefined
      ? []
      : [{ kind: old.resourceType, id: old.id, before, after }]),
    ...(creates && created?.meta?.versionId === '1'
      ? [{ kind: created.resourceType, id: created.id, after: '1' }]
      : []),
  ];
}
