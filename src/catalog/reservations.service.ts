import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { and, eq, sql } from 'drizzle-orm';
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

/** The reserved keys of one instance that is being uploaded. */
export interface Reservation extends ParentRows {
  readonly kind: 'reserved';
  readonly holder: string;
  readonly facts: InstanceFacts;
  readonly by: Uploader;
}

/** The catalog already has this SOP Instance UID in the same series. The content decides whether it is the same instance. */
export interface KnownInstance {
  readonly kind: 'known';
  readonly id: number;
  readonly orthancId: OrthancId;
  readonly transferSyntax: string;
  readonly sha256: Buffer | undefined;
}

/** The answer to a request for a reservation. */
export type Admission =
  Reservation | KnownInstance | { readonly kind: 'refused'; readonly why: StoreRefusal };

/** A reservation expires after this time unless renewed. After a crash, a repeated upload waits until then. */
const LIFE_MS = 12_000;
const RENEW_MS = 4_000;
const LONGEST_WAIT_MS = LIFE_MS + 5_000;

/** Reserves the keys of an instance before the archive receives any byte of it, and until the catalog has its row. */
@Injectable()
export class Reservations {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Reserves the keys, or returns why not. Waits while another upload has the same instance or the first instance of the study. */
  async reserve(facts: InstanceFacts, by: Uploader): Promise<Admission> {
    const until = Date.now() + LONGEST_WAIT_MS;
    for (;;) {
      const admission = await this.tryReserve(facts, by);
      if (admission.kind !== 'held') return admission;
      if (Date.now() > until) return { kind: 'refused', why: admission.otherwise };
      await sleep(200);
    }
  }

  /** Commits only a reservation. All other outcomes roll back the rows that were created. */
  private async tryReserve(facts: InstanceFacts, by: Uploader): Promise<Admission | AwaitedReservation> {
    try {
      return await withRetries(() =>
        this.database.transaction(async (tx) => {
          // May be asynchronous: `noteContent` commits later and flushes this row too.
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

  /** Renews a reservation until the returned function is called. */
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

  /** Saves the hash of the content before the archive answers. After a crash it tells which content the archive's copy must have. */
  async noteContent(reservation: Reservation, sha256: Buffer): Promise<void> {
    await this.database.update(pending).set({ sha256, expiresAt: newExpiry() }).where(isHeld(reservation));
  }

  /**
   * Replaces the reservation by the row of the instance, which exists from now on. If the reservation was lost (the process was suspended,
   * or the study was deleted), it is made again. False when the sender may no longer store the instance.
   */
  async complete(reservation: Reservation, archived: ArchivedInstance): Promise<boolean> {
    if (await this.tryComplete(reservation, archived)) return true;
    const now = await this.reserve(reservation.facts, reservation.by);
    if (now.kind === 'reserved') return this.tryComplete(now, archived);
    return now.kind === 'known' && now.orthancId === archived.id;
  }

  private async tryComplete(reservation: Reservation, archived: ArchivedInstance): Promise<boolean> {
    return withRetries(() =>
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
  }

  /** Deletes the reservation and empty parents. Only when the archive has no copy from this sender. */
  async abandon(reservation: Reservation): Promise<void> {
    await withRetries(() =>
      this.database.transaction(async (tx) => {
        await lockParents(tx, reservation);
        await tx.delete(pending).where(isHeld(reservation));
        await deleteEmptyParents(tx, reservation);
      }),
    );
  }

  /** Expires a reservation whose outcome is unknown. The watcher inserts the archive's copy, if any. The sender may repeat at once. */
  async expire(reservation: Reservation): Promise<void> {
    await this.database
      .update(pending)
      .set({ expiresAt: sql`clock_timestamp()` })
      .where(isHeld(reservation));
  }

  /** Saves the content hash of an instance that came without the gateway. */
  async learnContent(id: number, sha256: Buffer): Promise<void> {
    await this.database.update(instances).set({ sha256 }).where(eq(instances.id, id));
  }
}

/** Rolls a transaction back and carries the outcome to its caller. */
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
      // Another account's interrupted upload is not overwritten: the watcher must first insert it for that account.
      setWhere: sql`${pending.expiresAt} < clock_timestamp()
        and (${pending.sha256} is null or ${pending.accountId} is not distinct from ${by.accountId ?? null}::uuid)`,
    })
    .returning({ sopUid: pending.sopUid });
  // An account that may store into this study may know of other uploads into it.
  if (held.length === 0) return { kind: 'held', otherwise: 'identity' };
  // Read after the reservation: an upload that completed meanwhile has its row.
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
