import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { and, eq, sql } from 'drizzle-orm';
import { Changes } from '../database/changes.js';
import { DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { instances, pending, series } from '../database/schema.catalog.js';
import { OrthancId } from '../orthanc/orthanc.id.js';
import { noteHandled } from '../problems/handled.errors.js';
import { insertInstances, type ArchivedInstance } from './instance.insert.js';
import type { InstanceFacts } from './instance.facts.js';
import {
  type Uploader,
  type AwaitedReservation,
  lockParents,
  type ParentRows,
  resolveParents,
  deleteEmptyParents,
  type StoreRefusal,
  refusalForConflict,
} from './parent.resolution.js';
import { withRetries } from './retrying.js';

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

/** The result of {@link Reservations.reserve}. */
export type Admission =
  Reservation | KnownInstance | { readonly kind: 'refused'; readonly why: StoreRefusal };

/** A reservation expires after this time if it is not renewed. After a crash, a repeated upload waits until the reservation expires. */
const LIFE_MS = 12_000;
const RENEW_MS = 4_000;
const LONGEST_WAIT_MS = LIFE_MS + 5_000;

/**
 * Reserves the keys of an instance before the archive receives the first byte. The reservation lasts until the catalog has the row of the
 * instance.
 */
@Injectable()
export class Reservations {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly changes: Changes,
  ) {}

  /**
   * Reserves the keys, or returns why this is impossible. Waits if another upload has reserved the same instance, or the first instance of
   * the study.
   */
  async reserve(facts: InstanceFacts, by: Uploader): Promise<Admission> {
    const until = Date.now() + LONGEST_WAIT_MS;
    for (;;) {
      const admission = await this.tryReserve(facts, by);
      if (admission.kind !== 'held') return admission;
      if (Date.now() > until) return { kind: 'refused', why: admission.otherwise };
      await sleep(200);
    }
  }

  /** Commits only if the result is a reservation. For any other result, the transaction is rolled back. */
  private async tryReserve(facts: InstanceFacts, by: Uploader): Promise<Admission | AwaitedReservation> {
    try {
      return await withRetries(() =>
        this.database.transaction(async (tx) => {
          // This commit can be asynchronous, because the later commit of `noteContent` also makes this row durable.
          await tx.execute(sql`set local synchronous_commit = off`);
          const admission = await reserveKeys(tx, facts, by);
          if (admission.kind !== 'reserved') throw new ReservationRolledBack(admission);
          return admission;
        }),
      );
    } catch (error) {
      if (error instanceof ReservationRolledBack) return error.admission;
      throw error;
    }
  }

  /** Renews a reservation every four seconds. The returned function stops the renewal. */
  keep(reservation: Reservation): () => void {
    const timer = setInterval(() => {
      this.database
        .update(pending)
        .set({ expiresAt: newExpiry() })
        .where(isHeld(reservation))
        .catch((error: unknown) => noteHandled('reservation renewal', error));
    }, RENEW_MS);
    return () => clearInterval(timer);
  }

  /**
   * Saves the hash of the content. Must be called before the archive can confirm that it has stored the instance. After a crash, the hash
   * shows which content the archive's copy must have.
   */
  async noteContent(reservation: Reservation, sha256: Buffer): Promise<void> {
    await this.database.update(pending).set({ sha256, expiresAt: newExpiry() }).where(isHeld(reservation));
  }

  /**
   * Replaces the reservation by the row of the instance, and the instance becomes visible. If the reservation is lost, this method reserves
   * the keys again. A reservation is lost if the process was suspended for too long or the study was deleted. Returns false if the sender
   * may no longer store the instance.
   */
  async complete(reservation: Reservation, archived: ArchivedInstance): Promise<boolean> {
    if (await this.tryComplete(reservation, archived)) return true;
    const now = await this.reserve(reservation.facts, reservation.by);
    if (now.kind === 'reserved') return this.tryComplete(now, archived);
    return now.kind === 'known' && now.orthancId === archived.id;
  }

  private async tryComplete(reservation: Reservation, archived: ArchivedInstance): Promise<boolean> {
    const isComplete = await withRetries(() =>
      this.database.transaction(async (tx) => {
        const held = await tx
          .delete(pending)
          .where(isHeld(reservation))
          .returning({ sopUid: pending.sopUid });
        if (held.length === 0) return false;
        await insertInstances(tx, reservation, reservation.by, [{ facts: reservation.facts, archived }]);
        return true;
      }),
    );
    if (isComplete) this.changes.studyHasGrown(reservation.facts.studyUid);
    return isComplete;
  }

  /**
   * Deletes the reservation, and its series, study and patient if they are empty. May be called only if the archive has no copy from this
   * sender.
   */
  async abandon(reservation: Reservation): Promise<void> {
    await withRetries(() =>
      this.database.transaction(async (tx) => {
        await lockParents(tx, reservation);
        await tx.delete(pending).where(isHeld(reservation));
        await deleteEmptyParents(tx, reservation);
      }),
    );
  }

  /**
   * Lets a reservation expire now, because the result of the upload is unknown. If the archive has a copy of the instance, the watcher of
   * Orthanc's change feed inserts the copy. The sender can repeat the upload immediately.
   */
  async expire(reservation: Reservation): Promise<void> {
    await this.database
      .update(pending)
      .set({ expiresAt: sql`clock_timestamp()` })
      .where(isHeld(reservation));
  }

  /** Saves the content hash of an instance that reached the archive without passing through the gateway. */
  async learnContent(id: number, sha256: Buffer): Promise<void> {
    await this.database.update(instances).set({ sha256 }).where(eq(instances.id, id));
  }
}

/** Thrown to roll back a transaction. The code that started the transaction returns `admission`. */
class ReservationRolledBack extends Error {
  constructor(readonly admission: Admission | AwaitedReservation) {
    super('rolled back');
  }
}

async function reserveKeys(
  tx: Transaction,
  facts: InstanceFacts,
  by: Uploader,
): Promise<Admission | AwaitedReservation> {
  const at = await resolveParents(tx, facts, by);
  if (typeof at === 'string') return { kind: 'refused', why: at };
  if ('kind' in at) return at;
  const holder = randomUUID();
  const values = {
    series: at.series,
    holder,
    accountId: by.accountId ?? null,
    transferSyntax: facts.transferSyntax,
    sha256: null,
    expiresAt: newExpiry(),
  };
  const held = await tx
    .insert(pending)
    .values({ sopUid: facts.sopUid, ...values })
    .onConflictDoUpdate({
      target: pending.sopUid,
      set: values,
      // The interrupted upload of another account is not overwritten. The watcher of Orthanc's change feed must first insert that upload
      // for the other account.
      setWhere: sql`${pending.expiresAt} < clock_timestamp()
        and (${pending.sha256} is null or ${pending.accountId} is not distinct from ${by.accountId ?? null}::uuid)`,
    })
    .returning({ sopUid: pending.sopUid });
  // `identity` reveals that another upload exists. That is allowed, because the account may store into this study.
  if (held.length === 0) return { kind: 'held', otherwise: 'identity' };
  // This query runs after the reservation was made. If another upload has completed in the meantime, the row of its instance is visible
  // here.
  const known = await knownInstance(tx, facts.sopUid);
  if (known === undefined) return { kind: 'reserved', holder, facts, by, ...at };
  if (known.series !== at.series)
    return { kind: 'refused', why: await refusalForConflict(tx, known.study, by) };
  return { ...known, kind: 'known' };
}

async function knownInstance(tx: Transaction, sopUid: string) {
  const [row] = await tx
    .select({
      id: instances.id,
      orthancId: instances.orthancId,
      transferSyntax: instances.transferSyntax,
      sha256: instances.sha256,
      series: instances.series,
      study: series.study,
    })
    .from(instances)
    .innerJoin(series, eq(series.id, instances.series))
    .where(eq(instances.sopUid, sopUid));
  if (row === undefined) return undefined;
  return { ...row, orthancId: OrthancId.parse(row.orthancId), sha256: row.sha256 ?? undefined };
}

function isHeld(reservation: Reservation) {
  return and(eq(pending.sopUid, reservation.facts.sopUid), eq(pending.holder, reservation.holder));
}

function newExpiry() {
  return sql<Date>`clock_timestamp() + ${`${LIFE_MS} milliseconds`}::interval`;
}
