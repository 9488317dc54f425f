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

/** The keys of one instance, held for its way into the archive. */
export interface Reservation extends ParentRows {
  readonly kind: 'reserved';
  readonly holder: string;
  readonly facts: InstanceFacts;
  readonly by: Uploader;
}

/** The catalog holds this SOP Instance UID at the same place already; only its content can tell whether it is the same. */
export interface KnownInstance {
  readonly kind: 'known';
  readonly id: number;
  readonly orthancId: OrthancId;
  readonly transferSyntax: string;
  readonly sha256: Buffer | undefined;
}

/** What a depositor gets for an instance's keys. */
export type Admission =
  Reservation | KnownInstance | { readonly kind: 'refused'; readonly why: StoreRefusal };

/** A reservation lives this long unless renewed; after a crash a repeat of the same instance waits for it to end. */
const LIFE_MS = 12_000;
const RENEW_MS = 4_000;
const LONGEST_WAIT_MS = LIFE_MS + 5_000;

/** Holds an instance's keys from before the archive sees a byte of it until the catalog has its row. */
@Injectable()
export class Reservations {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Reserves, or says why not; waits while another sender is on its way with the same instance or the first of the study. */
  async reserve(facts: InstanceFacts, by: Uploader): Promise<Admission> {
    const until = Date.now() + LONGEST_WAIT_MS;
    for (;;) {
      const admission = await this.tryReserve(facts, by);
      if (admission.kind !== 'held') return admission;
      if (Date.now() > until) return { kind: 'refused', why: admission.otherwise };
      await sleep(200);
    }
  }

  /** Only a reservation is committed; every other outcome takes back the rows made on the way to it. */
  private async tryReserve(facts: InstanceFacts, by: Uploader): Promise<Admission | AwaitedReservation> {
    try {
      return await withRetries(() =>
        this.database.transaction(async (tx) => {
          // The content is noted durably before the archive has it, and this with it.
          await tx.execute(sql`set local synchronous_commit = off`);
          const admission = await reserveKeys(tx, facts, by);
          if (admission.kind !== 'reserved') throw new TakenBack(admission);
          return admission;
        }),
      );
    } catch (error) {
      if (error instanceof TakenBack) return error.admission;
      throw error;
    }
  }

  /** Keeps a reservation alive until the returned function is called. */
  keep(reservation: Reservation): () => void {
    const timer = setInterval(() => {
      this.database
        .update(pending)
        .set({ expiresAt: life() })
        .where(mine(reservation))
        .catch((error: unknown) => noteHandled('reservation renewal', error));
    }, RENEW_MS);
    return () => clearInterval(timer);
  }

  /** Notes the content before the archive can have answered, so that a crash leaves behind what the instance must be. */
  async noteContent(reservation: Reservation, sha256: Buffer): Promise<void> {
    await this.database.update(pending).set({ sha256, expiresAt: life() }).where(mine(reservation));
  }

  /**
   * Turns the reservation into the instance's row: from here on it exists. A reservation may be lost on the way (this process stood
   * still, the study was deleted): what is there now decides then. `false`: the archive's copy has no place for this depositor.
   */
  async complete(reservation: Reservation, arrived: ArchivedInstance): Promise<boolean> {
    if (await this.tryComplete(reservation, arrived)) return true;
    const now = await this.reserve(reservation.facts, reservation.by);
    if (now.kind === 'reserved') return this.tryComplete(now, arrived);
    return now.kind === 'known' && now.orthancId === arrived.id;
  }

  private async tryComplete(reservation: Reservation, arrived: ArchivedInstance): Promise<boolean> {
    return withRetries(() =>
      this.database.transaction(async (tx) => {
        const held = await tx.delete(pending).where(mine(reservation)).returning({ sopUid: pending.sopUid });
        if (held.length === 0) return false;
        await insertInstances(tx, reservation, reservation.by, [{ facts: reservation.facts, arrived }]);
        return true;
      }),
    );
  }

  /** Gives the keys back; rows that hold nothing go. Only for what the archive does not hold from this sender. */
  async abandon(reservation: Reservation): Promise<void> {
    await withRetries(() =>
      this.database.transaction(async (tx) => {
        await lockParents(tx, reservation);
        await tx.delete(pending).where(mine(reservation));
        await deleteEmptyParents(tx, reservation);
      }),
    );
  }

  /** Ends a reservation whose outcome is unknown: the watcher adopts what the archive holds of it, its sender may repeat at once. */
  async lapse(reservation: Reservation): Promise<void> {
    await this.database
      .update(pending)
      .set({ expiresAt: sql`clock_timestamp()` })
      .where(mine(reservation));
  }

  /** Notes the content hash of an instance that was not stored through us. */
  async learnContent(id: number, sha256: Buffer): Promise<void> {
    await this.database.update(instances).set({ sha256 }).where(eq(instances.id, id));
  }
}

/** Rolls a transaction back and carries its outcome out of it. */
class TakenBack extends Error {
  constructor(readonly admission: Admission | AwaitedReservation) {
    super('taken back');
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
    expiresAt: life(),
  };
  const held = await tx
    .insert(pending)
    .values({ sopUid: facts.sopUid, ...values })
    .onConflictDoUpdate({
      target: pending.sopUid,
      set: values,
      // What another's cut-off STOW may have left in the archive is adopted for its owner first.
      setWhere: sql`${pending.expiresAt} < clock_timestamp()
        and (${pending.sha256} is null or ${pending.accountId} is not distinct from ${by.accountId ?? null}::uuid)`,
    })
    .returning({ sopUid: pending.sopUid });
  // Who may store here may know that somebody is storing here.
  if (held.length === 0) return { kind: 'held', otherwise: 'identity' };
  // Only now: an instance that was completing meanwhile has its row since its reservation went.
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

function mine(reservation: Reservation) {
  return and(eq(pending.sopUid, reservation.facts.sopUid), eq(pending.holder, reservation.holder));
}

function life() {
  return sql<Date>`clock_timestamp() + ${`${LIFE_MS} milliseconds`}::interval`;
}
