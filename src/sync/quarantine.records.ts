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

/** What a person decides about a newcomer. `patientId`: whose it becomes; `newUids`: it becomes a study of its own. */
export type Decision =
  | { readonly kind: 'accept' }
  | { readonly kind: 'discard' }
  | {
      readonly kind: 're-identify';
      readonly patientId: string | undefined;
      readonly issuer: string | undefined;
      readonly newUids: boolean;
    };

/** A decision that is being carried out by this process. */
export interface OpenDecision {
  readonly id: string;
  readonly holder: string;
  readonly decision: Decision;
}

/** A decision lives this long in the hands of a process unless renewed; after a crash another process takes it over. */
const LIFE_MS = 8_000;
const RENEW_MS = 2_000;

/** Decisions as rows: the intent before anything is done, each instance's result, and how it ended. */
@Injectable()
export class DecisionRecords {
  constructor(@Inject(BACKGROUND_DATABASE) private readonly database: Database) {}

  /** Commits the intent for all instances of a group. Throws `Conflict` when another decision is open, or was faster. */
  open(group: string, decision: Decision): Promise<OpenDecision> {
    const holder = randomUUID();
    return withRetries(() =>
      this.database.transaction(async (tx) => {
        const [row] = await tx
          .insert(quarantineDecisions)
          .values({ quarantine: group, ...columnsOf(decision), holder, heldUntil: life() })
          .onConflictDoNothing()
          .returning({ id: quarantineDecisions.id });
        if (row === undefined)
          throw new Conflict(
            'decision-in-progress',
            'Another decision about these instances is being carried out. Wait for its end.',
          );
        const marked = await tx
          .update(quarantined)
          .set({ decision: row.id })
          .where(and(eq(quarantined.quarantine, group), isNull(quarantined.decision)))
          .returning({ id: quarantined.orthancId });
        if (marked.length === 0)
          throw new Conflict(
            'already-decided',
            'These instances have just been decided about. Read the list again.',
          );
        return { id: row.id, holder, decision };
      }),
    );
  }

  /** Takes over one decision whose process is gone; `undefined` when there is none. */
  async takeOver(): Promise<OpenDecision | undefined> {
    const holder = randomUUID();
    const [left] = await this.database
      .select({ id: quarantineDecisions.id })
      .from(quarantineDecisions)
      .where(isLeft())
      .orderBy(asc(quarantineDecisions.decidedAt))
      .limit(1);
    if (left === undefined) return undefined;
    const [row] = await this.database
      .update(quarantineDecisions)
      .set({ holder, heldUntil: life() })
      .where(and(eq(quarantineDecisions.id, left.id), isLeft()))
      .returning();
    return row === undefined ? undefined : { id: row.id, holder, decision: decisionOf(row) };
  }

  /** Instances that the decision is still to be carried out for, in the order of their ids. */
  async page({ id }: OpenDecision, after: string, limit: number): Promise<OrthancId[]> {
    const rows = await this.database
      .select({ id: quarantined.orthancId })
      .from(quarantined)
      .where(and(eq(quarantined.decision, id), gt(quarantined.orthancId, after)))
      .orderBy(asc(quarantined.orthancId))
      .limit(limit);
    return rows.map((row) => OrthancId.parse(row.id));
  }

  /** Records that it was done to an instance, which waits no longer. */
  async record(open: OpenDecision, instance: OrthancId): Promise<void> {
    await withRetries(() =>
      this.database.transaction(async (tx) => {
        await releaseFromQuarantine(tx, instance);
        await tx
          .update(quarantineDecisions)
          .set({ instances: sql`${quarantineDecisions.instances} + 1` })
          .where(mine(open));
      }),
    );
  }

  /** Records how it ended and gives how many instances it was done to; instances that are left wait again. */
  close(open: OpenDecision, state: 'done' | 'refused'): Promise<number> {
    return withRetries(() =>
      this.database.transaction(async (tx) => {
        const [row] = await tx
          .update(quarantineDecisions)
          .set({ state, endedAt: sql`clock_timestamp()` })
          .where(mine(open))
          .returning({ instances: quarantineDecisions.instances });
        // Another process took it over meanwhile, and ends it.
        if (row === undefined)
          throw new Conflict(
            'decision-in-progress',
            'The decision is being carried out. Read the list again.',
          );
        await tx.update(quarantined).set({ decision: null }).where(eq(quarantined.decision, open.id));
        return row.instances;
      }),
    );
  }

  /** Leaves the decision open for whoever looks next. */
  async lapse(open: OpenDecision): Promise<void> {
    await this.database
      .update(quarantineDecisions)
      .set({ heldUntil: sql`clock_timestamp()` })
      .where(mine(open));
  }

  /** Keeps a decision in this process' hands until the returned function is called. */
  keep(open: OpenDecision): () => void {
    const timer = setInterval(() => {
      this.database
        .update(quarantineDecisions)
        .set({ heldUntil: life() })
        .where(mine(open))
        .catch((error: unknown) => noteHandled('quarantine decision', error));
    }, RENEW_MS);
    return () => clearInterval(timer);
  }
}

function mine({ id, holder }: OpenDecision) {
  return and(
    eq(quarantineDecisions.id, id),
    eq(quarantineDecisions.holder, holder),
    eq(quarantineDecisions.state, 'open'),
  );
}

function isLeft() {
  return and(
    eq(quarantineDecisions.state, 'open'),
    lt(quarantineDecisions.heldUntil, sql`clock_timestamp()`),
  );
}

function life() {
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
