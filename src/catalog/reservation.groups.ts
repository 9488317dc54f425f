import { type SQL, sql } from 'drizzle-orm';
import type { Transaction } from '../database/database.module.js';
import { pending } from '../database/schema.catalog.js';
import { type ArchivedInstance, insertInstances, type NewInstance } from './instance.insert.js';
import { resolveParents } from './parent.resolution.js';
import {
  type Admission,
  insertPending,
  isHeld,
  knownInstances,
  ReservationRolledBack,
  type Reservation,
  type ReservationRequest,
} from './reservation.rows.js';
import type { WriteGroup } from './write.group.js';

/** A reservation and the copy of its instance in the archive. */
export interface Completion {
  readonly reservation: Reservation;
  readonly archived: ArchivedInstance;
}

/** The completions of one study. */
export interface StudyCompletions {
  /** The number of reservations in the study that this process still renews. */
  open: number;
  readonly group: WriteGroup<Completion, boolean>;
}

/** A non-empty list of requests that {@link reserveTogether} can process. */
export type RequestGroup = readonly [ReservationRequest, ...ReservationRequest[]];

/** Thrown to roll back the transaction of a group. The requests of the group must then be processed one by one. */
export class NotTogether extends Error {}

/**
 * Splits requests into groups with the same uploader and the same values that determine the patient, study and series. A repeated SOP
 * Instance UID is a group of its own at the end, so that the first request gets the reservation.
 */
export function requestGroups(requests: readonly ReservationRequest[]): RequestGroup[] {
  const groups = new Map<string, [ReservationRequest, ...ReservationRequest[]]>();
  const repeated: RequestGroup[] = [];
  const uids = new Set<string>();
  const uploaders = new Map<ReservationRequest['by'], number>();
  for (const request of requests) {
    const { facts, by } = request;
    if (uids.has(facts.sopUid)) {
      repeated.push([request]);
      continue;
    }
    uids.add(facts.sopUid);
    if (!uploaders.has(by)) uploaders.set(by, uploaders.size);
    const { patientId, studyUid, seriesUid, headerIssuer, institution, modality } = facts;
    const uploader = uploaders.get(by);
    const key = JSON.stringify([
      uploader,
      patientId,
      studyUid,
      seriesUid,
      headerIssuer,
      institution,
      modality,
    ]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [request]);
    else group.push(request);
  }
  return [...groups.values(), ...repeated];
}

/**
 * Reserves the keys of a group in one transaction. Returns one result for each request, in order. Throws {@link ReservationRolledBack} if
 * every request is refused for the same reason. Throws {@link NotTogether} if only a single request can be answered.
 */
export async function reserveTogether(tx: Transaction, group: RequestGroup): Promise<readonly Admission[]> {
  const [{ facts, by }] = group;
  // A later commit makes these rows durable, unless a row already has the hash of the content.
  if (group.every(({ sha256 }) => sha256 === undefined))
    await tx.execute(sql`set local synchronous_commit = off`);
  const at = await resolveParents(tx, facts, by);
  if (typeof at === 'string') throw new ReservationRolledBack({ kind: 'refused', why: at });
  if ('kind' in at) throw new NotTogether();
  const uids = group.map((request) => request.facts.sopUid);
  const results = new Map<string, Admission>();
  for (const known of await knownInstances(tx, uids)) {
    if (known.series !== at.series || known.isRejected) throw new NotTogether();
    results.set(known.sopUid, known);
  }
  const [first, ...others] = group.filter((request) => !results.has(request.facts.sopUid));
  if (first !== undefined) {
    const fresh = [first, ...others] as const;
    const reservations = await insertPending(tx, at, fresh);
    // The instances are read again, because another upload can have completed before the reservation was made.
    const isTaken = reservations.length < fresh.length;
    if (isTaken || (await knownInstances(tx, uids)).length > results.size) throw new NotTogether();
    for (const reservation of reservations) results.set(reservation.facts.sopUid, reservation);
  }
  return uids.flatMap((uid) => results.get(uid) ?? []);
}

/**
 * Replaces reservations by the rows of their instances. Returns for each completion whether its reservation was still held. Only then the
 * instance was inserted.
 */
export async function completeTogether(
  tx: Transaction,
  completions: readonly Completion[],
): Promise<readonly boolean[]> {
  const deleted = await tx
    .delete(pending)
    .where(heldBy(completions))
    .returning({ sopUid: pending.sopUid, holder: pending.holder });
  const held = new Set(deleted.map(({ sopUid, holder }) => `${sopUid} ${holder}`));
  const isComplete = completions.map(({ reservation: { facts, holder } }) =>
    held.has(`${facts.sopUid} ${holder}`),
  );
  const groups = new Map<string, [Completion, ...Completion[]]>();
  for (const [at, completion] of completions.entries()) {
    if (isComplete[at] !== true) continue;
    const { series, by } = completion.reservation;
    const key = JSON.stringify([series, by.accountId, by.institution]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [completion]);
    else group.push(completion);
  }
  for (const [first, ...others] of groups.values()) {
    const { reservation } = first;
    await insertInstances(tx, reservation, reservation.by, [added(first), ...others.map(added)]);
  }
  return isComplete;
}

function added({ reservation, archived }: Completion): NewInstance {
  return { facts: reservation.facts, archived };
}

function heldBy(completions: readonly Completion[]): SQL | undefined {
  const [only] = completions;
  if (only !== undefined && completions.length === 1) return isHeld(only.reservation);
  const uids = sql.param(completions.map(({ reservation }) => reservation.facts.sopUid));
  const holders = sql.param(completions.map(({ reservation }) => reservation.holder));
  return sql`${pending.sopUid} = any(${uids}::text[])
    and (${pending.sopUid}, ${pending.holder}) in (select * from unnest(${uids}::text[], ${holders}::uuid[]))`;
}
