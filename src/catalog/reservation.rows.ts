import { randomUUID } from 'node:crypto';
import { and, eq, sql } from 'drizzle-orm';
import { unionAll } from 'drizzle-orm/pg-core';
import type { Transaction } from '../database/database.module.js';
import { instances, pending, rejectedInstances, series } from '../database/schema.catalog.js';
import { OrthancId } from '../orthanc/orthanc.id.js';
import type { InstanceFacts } from './instance.facts.js';
import {
  type AwaitedReservation,
  refusalForConflict,
  resolveParents,
  type StoreRefusal,
  type Uploader,
} from './parent.resolution.js';
import type { ParentRows } from './parent.rows.js';

/** The reserved keys of an instance that is being uploaded. */
export interface Reservation extends ParentRows {
  readonly kind: 'reserved';
  readonly holder: string;
  readonly facts: InstanceFacts;
  readonly by: Uploader;
}

/**
 * The catalog already has this SOP Instance UID in the same series. The caller must compare the content to decide whether it is the same
 * instance.
 */
export interface KnownInstance {
  readonly kind: 'known';
  readonly id: number;
  readonly orthancId: OrthancId;
  readonly transferSyntax: string;
  readonly sha256: Buffer | undefined;
}

/** The result of a request for a reservation. */
export type Admission =
  Reservation | KnownInstance | { readonly kind: 'refused'; readonly why: StoreRefusal };

/** A request for a reservation. */
export interface ReservationRequest {
  readonly facts: InstanceFacts;
  readonly by: Uploader;
  /** The hash of the content, if the whole content has been received. */
  readonly sha256: Buffer | undefined;
}

/** A reservation expires after this time if it is not renewed. After a crash, a repeated upload waits until the reservation expires. */
export const LIFE_MS = 12_000;

/** Reserves the keys of one instance. The caller must roll back the transaction if the result is not a reservation. */
export async function reserveKeys(
  tx: Transaction,
  request: ReservationRequest,
): Promise<Admission | AwaitedReservation> {
  const { facts, by } = request;
  const at = await resolveParents(tx, facts, by);
  if (typeof at === 'string') return { kind: 'refused', why: at };
  if ('kind' in at) return at;
  const [reservation] = await insertPending(tx, at, [request]);
  // `identity` reveals that another upload exists. That is allowed, because the account may store into this study.
  if (reservation === undefined) return { kind: 'held', otherwise: 'identity' };
  // This query runs after the reservation was made. If another upload has completed in the meantime, the row of its instance is visible
  // here.
  const [known] = await knownInstances(tx, [facts.sopUid]);
  if (known === undefined) return reservation;
  if (known.series !== at.series)
    return { kind: 'refused', why: await refusalForConflict(tx, known.study, by) };
  return known.isRejected ? { kind: 'refused', why: 'rejected' } : known;
}

/**
 * Inserts reservations in one series. An expired reservation is overwritten. Returns only the reservations that could be made. All requests
 * must have the same uploader and different SOP Instance UIDs.
 */
export async function insertPending(
  tx: Transaction,
  at: ParentRows,
  requests: readonly [ReservationRequest, ...ReservationRequest[]],
): Promise<readonly Reservation[]> {
  const [{ by }] = requests;
  const holder = randomUUID();
  const account = by.accountId ?? null;
  const columns = [
    requests.map(({ facts }) => facts.sopUid),
    requests.map(({ facts }) => facts.transferSyntax),
    requests.map(({ sha256 }) => sha256?.toString('hex') ?? null),
  ].map((values) => sql`${sql.param(values)}::text[]`);
  // The interrupted upload of another account is not overwritten. The watcher of Orthanc's change feed must first insert that upload for
  // the other account. The rows are sorted, so that two uploads of the same instances cannot wait for each other.
  const held = await tx.execute<{ sop_uid: string }>(sql`
    insert into pending (sop_uid, series, holder, account_id, transfer_syntax, sha256, expires_at)
    select uid, ${at.series}::bigint, ${holder}::uuid, ${account}::uuid, syntax, decode(hash, 'hex'), ${newExpiry()}
    from unnest(${sql.join(columns, sql`, `)}) as added (uid, syntax, hash) order by uid
    on conflict (sop_uid) do update set series = excluded.series, holder = excluded.holder, account_id = excluded.account_id,
      transfer_syntax = excluded.transfer_syntax, sha256 = excluded.sha256, expires_at = excluded.expires_at
    where pending.expires_at < clock_timestamp()
      and (pending.sha256 is null or pending.account_id is not distinct from ${account}::uuid)
    returning sop_uid`);
  const uids = new Set<string>(held.map((row) => row.sop_uid));
  return requests
    .filter(({ facts }) => uids.has(facts.sopUid))
    .map(({ facts }) => ({ kind: 'reserved', holder, facts, by, study: at.study, series: at.series }));
}

/**
 * Returns the instances of the catalog with these SOP Instance UIDs, each with its study and series. Also returns rejected instances. One
 * statement reads both tables, because an instance can move from one table to the other between two statements.
 */
export async function knownInstances(
  tx: Transaction,
  sopUids: readonly string[],
): Promise<
  readonly (KnownInstance & ParentRows & { readonly sopUid: string; readonly isRejected: boolean })[]
> {
  const among = sql.param(sopUids);
  const known = (table: typeof instances | typeof rejectedInstances, isRejected: boolean) =>
    tx
      .select({
        id: table.id,
        sopUid: table.sopUid,
        orthancId: table.orthancId,
        transferSyntax: table.transferSyntax,
        sha256: table.sha256,
        series: table.series,
        study: series.study,
        isRejected: sql<boolean>`${isRejected}::boolean`.as('is_rejected'),
      })
      .from(table)
      .innerJoin(series, eq(series.id, table.series))
      .where(sql`${table.sopUid} = any(${among}::text[])`);
  const rows = await unionAll(known(instances, false), known(rejectedInstances, true));
  return rows.map(({ orthancId, sha256, ...row }) =>
    Object.assign(row, {
      kind: 'known' as const,
      orthancId: OrthancId.parse(orthancId),
      sha256: sha256 ?? undefined,
    }),
  );
}

/** The condition that a row of `pending` belongs to this reservation. */
export function isHeld({ facts, holder }: Reservation) {
  return and(eq(pending.sopUid, facts.sopUid), eq(pending.holder, holder));
}

/** The time when a new or renewed reservation expires. */
export function newExpiry() {
  return sql<Date>`clock_timestamp() + ${`${LIFE_MS} milliseconds`}::interval`;
}

/** Thrown to roll back a transaction that reserves keys. `admission` is the result of every request of the transaction. */
export class ReservationRolledBack extends Error {
  constructor(readonly admission: Admission | AwaitedReservation) {
    super('rolled back');
  }
}
