import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { and, asc, eq, gt, isNull, lt, sql } from 'drizzle-orm';
import { BACKGROUND_DATABASE, type Database } from '../database/database.module.js';
import { quarantineDecisions, quarantined } from '../database/schema.catalog.js';
import { OrthancId } from '../orthanc/orthanc.id.js';
import { Conflict } from '../problems/errors.js';
import { noteHandled } from '../problems/handled.errors.js';
import { releaseFromQuarantine } from './quarantine.service.js';
import { withRetries } from '../catalog/retrying.js';

/**
 * A decision about quarantined instances. `patientId` and `issuer` name the new patient. With `newUids`, the instances become a new study.
 */
export type Decision =
  | { readonly kind: 'accept' }
  | { readonly kind: 'discard' }
  | {
      readonly kind: 're-identify';
      readonly patientId: string | undefined;
      readonly issuer: string | undefined;
      readonly newUids: boolean;
    };

/** A decision that this process is applying. */
export interface OpenDecision {
  readonly id: string;
  readonly holder: string;
  readonly decision: Decision;
}

/**
 * A process owns a decision for this time. The process must renew the ownership before the time ends. After a crash of the process, another
 * process takes over the decision.
 */
const LIFE_MS = 8_000;
const RENEW_MS = 2_000;

/** Writes decisions to the database: first the decision itself, then the result for each instance, then the outcome. */
@Injectable()
export class DecisionRecords {
  constructor(@Inject(BACKGROUND_DATABASE) private readonly database: Database) {}

  /** Commits a decision for all instances of a group. Throws `Conflict` if another decision is open or has just ended. */
  open(group: string, decision: Decision): Promise<OpenDecision> {
    const holder = randomUUID();
    return withRetries(() =>
      this.database.transaction(async (tx) => {
        const [row] = await tx
          .insert(quarantineDecisions)
          .values({ quarantine: group, ...columnsOf(decision), holder, heldUntil: newExpiry() })
          .onConflictDoNothing()
          .returning({ id: quarantineDecisions.id });
        if (row === undefined)
          throw new Conflict(
            'decision-in-progress',
            'Another decision about these instances is being carried out. Wait until it has ended.',
          );
        const marked = await tx
          .update(quarantined)
          .set({ decision: row.id })
          .where(and(eq(quarantined.quarantine, group), isNull(quarantined.decision)))
          .returning({ id: quarantined.orthancId });
        if (marked.length === 0)
          throw new Conflict(
            'already-decided',
            'A decision about these instances has just been made. Read the list again.',
          );
        return { id: row.id, holder, decision };
      }),
    );
  }

  /** Takes over one decision of a process that has crashed. Returns `undefined` if there is none. */
  async takeOver(): Promise<OpenDecision | undefined> {
    const holder = randomUUID();
    const [abandoned] = await this.database
      .select({ id: quarantineDecisions.id })
      .from(quarantineDecisions)
      .where(isAbandoned())
      .orderBy(asc(quarantineDecisions.decidedAt))
      .limit(1);
    if (abandoned === undefined) return undefined;
    const [row] = await this.database
      .update(quarantineDecisions)
      .set({ holder, heldUntil: newExpiry() })
      .where(and(eq(quarantineDecisions.id, abandoned.id), isAbandoned()))
      .returning();
    return row === undefined ? undefined : { id: row.id, holder, decision: decisionOf(row) };
  }

  /**
   * Returns at most `limit` instances to which the decision has not been applied yet. Their ids are greater than `after`, and they are
   * ordered by id.
   */
  async page({ id }: OpenDecision, after: string, limit: number): Promise<OrthancId[]> {
    const rows = await this.database
      .select({ id: quarantined.orthancId })
      .from(quarantined)
      .where(and(eq(quarantined.decision, id), gt(quarantined.orthancId, after)))
      .orderBy(asc(quarantined.orthancId))
      .limit(limit);
    return rows.map((row) => OrthancId.parse(row.id));
  }

  /** Removes an instance from quarantine, and increments the decision's count of instances. */
  async record(open: OpenDecision, instance: OrthancId): Promise<void> {
    await withRetries(() =>
      this.database.transaction(async (tx) => {
        await releaseFromQuarantine(tx, instance);
        await tx
          .update(quarantineDecisions)
          .set({ instances: sql`${quarantineDecisions.instances} + 1` })
          .where(isHeld(open));
      }),
    );
  }

  /**
   * Saves the outcome and returns the number of instances to which the decision was applied. The other instances can get a new decision.
   */
  close(open: OpenDecision, state: 'done' | 'refused'): Promise<number> {
    return withRetries(() =>
      this.database.transaction(async (tx) => {
        const [row] = await tx
          .update(quarantineDecisions)
          .set({ state, endedAt: sql`clock_timestamp()` })
          .where(isHeld(open))
          .returning({ instances: quarantineDecisions.instances });
        // Another process has taken over the decision.
        if (row === undefined)
          throw new Conflict(
            'decision-in-progress',
            'Another process is carrying out this decision. Read the list again.',
          );
        await tx.update(quarantined).set({ decision: null }).where(eq(quarantined.decision, open.id));
        return row.instances;
      }),
    );
  }

  /** Ends the ownership of the decision, so that another process can take over the decision. */
  async release(open: OpenDecision): Promise<void> {
    await this.database
      .update(quarantineDecisions)
      .set({ heldUntil: sql`clock_timestamp()` })
      .where(isHeld(open));
  }

  /** Renews the ownership of a decision every two seconds. The returned function stops the renewal. */
  renewUntilStopped(open: OpenDecision): () => void {
    const timer = setInterval(() => {
      this.database
        .update(quarantineDecisions)
        .set({ heldUntil: newExpiry() })
        .where(isHeld(open))
        .catch((error: unknown) => noteHandled('quarantine decision', error));
    }, RENEW_MS);
    return () => clearInterval(timer);
  }
}

function isHeld({ id, holder }: OpenDecision) {
  return and(
    eq(quarantineDecisions.id, id),
    eq(quarantineDecisions.holder, holder),
    eq(quarantineDecisions.state, 'open'),
  );
}

function isAbandoned() {
  return and(
    eq(quarantineDecisions.state, 'open'),
    lt(quarantineDecisions.heldUntil, sql`clock_timestamp()`),
  );
}

function newExpiry() {
  return sql<Date>`clock_timestamp() + ${`${LIFE_MS} milliseconds`}::interval`;
}

function columnsOf(decision: Decision) {
  if (decision.kind !== 're-identify') return { decision: decision.kind };
  const { kind, patientId, issuer, newUids } = decision;
  return { decision: kind, newPatientId: patientId ?? null, newIssuer: issuer ?? null, newUids };
}

function decisionOf(row: typeof quarantineDecisions.$inferSelect): Decision {
  if (row.decision !== 're-identify') return { kind: row.decision };
  const [patientId, issuer] = [row.newPatientId ?? undefined, row.newIssuer ?? undefined];
  return { kind: row.decision, patientId, issuer, newUids: row.newUids };
}
