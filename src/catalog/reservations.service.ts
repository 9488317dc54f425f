import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { and, eq, lt, sql } from 'drizzle-orm';
import { DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { instances, pending, series } from '../database/schema.js';
import { OrthancId } from '../orthanc/orthanc.id.js';
import { admit, type Arrived } from './admitting.js';
import type { InstanceFacts } from './instance.facts.js';
import { type Depositor, type Place, place, prune, type Refusal, refusalOver } from './placing.js';

/** The keys of one instance, held for its way into the archive. */
export interface Reservation extends Place {
  readonly kind: 'reserved';
  readonly holder: string;
  readonly facts: InstanceFacts;
  readonly by: Depositor;
}

/** The catalog holds this SOP Instance UID at the same place already; only its content can tell whether it is the same. */
export interface Known {
  readonly kind: 'known';
  readonly id: number;
  readonly orthancId: OrthancId;
  readonly transferSyntax: string;
  readonly sha256: Buffer | undefined;
}

/** `busy`: another sender has held the same SOP Instance UID for too long. */
export type Admission = Reservation | Known | { readonly kind: 'refused'; readonly why: Refusal | 'busy' };

/** A reservation lives this long unless renewed; after a crash a repeat of the same instance waits for it to end. */
const LIFE_MS = 20_000;
const RENEW_MS = 6_000;
const LONGEST_WAIT_MS = LIFE_MS + 5_000;

/** Holds an instance's keys from before the archive sees a byte of it until the catalog has its row. */
@Injectable()
export class Reservations {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Reserves, or says why not; waits while another sender is on its way with the same SOP Instance UID. */
  async reserve(facts: InstanceFacts, by: Depositor): Promise<Admission> {
    const until = Date.now() + LONGEST_WAIT_MS;
    for (;;) {
      const admission = await this.tryReserve(facts, by);
      if (admission !== 'held') return admission;
      if (Date.now() > until) return { kind: 'refused', why: 'busy' };
      await sleep(200);
    }
  }

  /** Only a reservation is committed; every other outcome takes back the rows made on the way to it. */
  private async tryReserve(facts: InstanceFacts, by: Depositor): Promise<Admission | 'held'> {
    try {
      return await this.database.transaction(async (tx) => {
        const admission = await reserveKeys(tx, facts, by);
        if (admission === 'held' || admission.kind !== 'reserved') throw new TakenBack(admission);
        return admission;
      });
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
        .catch(() => undefined);
    }, RENEW_MS);
    return () => clearInterval(timer);
  }

  /** Notes the content before the archive can have answered, so that a crash leaves behind what the instance must be. */
  async noteContent(reservation: Reservation, sha256: Buffer): Promise<void> {
    await this.database.update(pending).set({ sha256, expiresAt: life() }).where(mine(reservation));
  }

  /** Turns the reservation into the instance's row: from here on it exists. `false` when the reservation was lost. */
  async complete(reservation: Reservation, arrived: Arrived): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      const held = await tx.delete(pending).where(mine(reservation)).returning({ sopUid: pending.sopUid });
      if (held.length === 0) return false;
      await admit(tx, reservation, reservation.facts, reservation.by, arrived);
      return true;
    });
  }

  /** Gives the keys back; rows that hold nothing go. */
  async abandon(reservation: Reservation): Promise<void> {
    await this.database.transaction(async (tx) => {
      await tx.delete(pending).where(mine(reservation));
      await prune(tx, reservation);
    });
  }

  /** Notes the content hash of an instance that was not stored through us. */
  async learnContent(id: number, sha256: Buffer): Promise<void> {
    await this.database.update(instances).set({ sha256 }).where(eq(instances.id, id));
  }
}

/** Rolls a transaction back and carries its outcome out of it. */
class TakenBack extends Error {
  constructor(readonly admission: Admission | 'held') {
    super('taken back');
  }
}

async function reserveKeys(
  tx: Transaction,
  facts: InstanceFacts,
  by: Depositor,
): Promise<Admission | 'held'> {
  const at = await place(tx, facts, by);
  if (typeof at === 'string') return { kind: 'refused', why: at };
  const holder = randomUUID();
  const values = {
    series: at.series,
    holder,
    accountId: by.accountId ?? null,
    sha256: null,
    expiresAt: life(),
  };
  const held = await tx
    .insert(pending)
    .values({ sopUid: facts.sopUid, ...values })
    .onConflictDoUpdate({
      target: pending.sopUid,
      set: values,
      setWhere: lt(pending.expiresAt, sql`clock_timestamp()`),
    })
    .returning({ sopUid: pending.sopUid });
  if (held.length === 0) return 'held';
  // Only now: an instance that was completing meanwhile has its row since its reservation went.
  const known = await knownInstance(tx, facts.sopUid);
  if (known === undefined) return { kind: 'reserved', holder, facts, by, ...at };
  if (known.series !== at.series) return { kind: 'refused', why: await refusalOver(tx, known.study, by) };
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
