import { Inject, Injectable } from '@nestjs/common';
import { and, asc, eq, gt, inArray, isNull, notExists, sql } from 'drizzle-orm';
import { BACKGROUND_DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { instances, quarantine, quarantined } from '../database/schema.catalog.js';
import { OrthancId } from '../orthanc/orthanc.id.js';
import type { InstanceFacts } from '../catalog/instance.facts.js';
import { withRetries } from '../catalog/retrying.js';

/** Why something the archive holds is not shown. */
export type Reason = (typeof quarantine.$inferSelect)['reason'];

/** Where an instance waits: under its study in the archive, with what its header says as far as it can be read. */
export interface Newcomer {
  readonly id: OrthancId;
  readonly study: OrthancId;
  readonly facts: InstanceFacts | undefined;
}

/** What the archive holds and the catalog does not show. Rows here and in `instances` exclude each other. */
@Injectable()
export class Quarantine {
  constructor(@Inject(BACKGROUND_DATABASE) private readonly database: Database) {}

  /** Quarantines an instance that the catalog does not hold. True when it was not quarantined for this reason before. */
  async hold({ id, study, facts }: Newcomer, reason: Reason): Promise<boolean> {
    return withRetries(() =>
      this.database.transaction(async (tx) => {
        if (await isInCatalog(tx, id)) return false;
        const [before] = await tx
          .select({ reason: quarantine.reason, decision: quarantined.decision })
          .from(quarantined)
          .innerJoin(quarantine, eq(quarantine.id, quarantined.quarantine))
          .where(eq(quarantined.orthancId, id));
        // While a decision about it is carried out it stays where it is.
        if (before?.reason === reason || typeof before?.decision === 'string') return false;
        const group = await groupOf(tx, study, reason);
        const row = { quarantine: group, ...(facts === undefined ? {} : described(facts)) };
        await tx
          .insert(quarantined)
          .values({ orthancId: id, ...row })
          .onConflictDoUpdate({
            target: quarantined.orthancId,
            set: row,
            setWhere: isNull(quarantined.decision),
          });
        return true;
      }),
    );
  }

  /** Lets an instance go that is shown now, or no longer in the archive. */
  async release(id: OrthancId): Promise<void> {
    await withRetries(() => this.database.transaction((tx) => releaseFromQuarantine(tx, id)));
  }

  /** How many instances wait. */
  count(): Promise<number> {
    return this.database.$count(quarantined);
  }

  /** Of these Orthanc ids, those that wait. */
  async among(ids: readonly OrthancId[]): Promise<ReadonlySet<string>> {
    const rows = await this.database
      .select({ id: quarantined.orthancId })
      .from(quarantined)
      .where(inArray(quarantined.orthancId, [...ids]));
    return new Set(rows.map(({ id }) => id));
  }

  /** Why an instance waits; `undefined` when it does not. */
  async reasonOf(id: OrthancId): Promise<Reason | undefined> {
    const [row] = await this.database
      .select({ reason: quarantine.reason })
      .from(quarantined)
      .innerJoin(quarantine, eq(quarantine.id, quarantined.quarantine))
      .where(eq(quarantined.orthancId, id));
    return row?.reason;
  }

  /** Instances that wait and that nobody has decided about, in the order of their ids, after one of them. */
  async page(after: string, limit: number): Promise<OrthancId[]> {
    const rows = await this.database
      .select({ id: quarantined.orthancId })
      .from(quarantined)
      .where(and(gt(quarantined.orthancId, after), isNull(quarantined.decision)))
      .orderBy(asc(quarantined.orthancId))
      .limit(limit);
    return rows.map(({ id }) => OrthancId.parse(id));
  }
}

/** Whether the catalog has a row for this copy of an instance in Orthanc. */
export async function isInCatalog(tx: Transaction, id: OrthancId): Promise<boolean> {
  const rows = await tx
    .select({ id: instances.id })
    .from(instances)
    .where(eq(instances.orthancId, id))
    .limit(1);
  return rows.length > 0;
}

/** The group of an archive's study and a reason, made when it is the first. */
export async function groupOf(tx: Transaction, orthancStudy: string, reason: Reason): Promise<string> {
  const [group] = await tx
    .insert(quarantine)
    .values({ orthancStudy, reason })
    .onConflictDoUpdate({ target: [quarantine.orthancStudy, quarantine.reason], set: { reason } })
    .returning({ id: quarantine.id });
  if (group === undefined) throw new Error('an upsert gave no row');
  return group.id;
}

/** Whether somebody decided to take an instance out of the archive: until that has ended it must not be shown. Locks its row. */
export async function isToLeave(tx: Transaction, id: OrthancId): Promise<boolean> {
  const rows = await tx.execute(sql`
    select d.decision <> 'accept' as leaves from quarantined w left join quarantine_decisions d on d.id = w.decision
    where w.orthanc_id = ${id} for update of w`);
  return rows[0]?.['leaves'] === true;
}

/** Takes an instance out of quarantine as part of a transaction. */
export async function releaseFromQuarantine(tx: Transaction, id: OrthancId): Promise<void> {
  const gone = await tx
    .delete(quarantined)
    .where(eq(quarantined.orthancId, id))
    .returning({ group: quarantined.quarantine });
  if (gone.length === 0) return;
  const waiting = tx
    .select({ one: sql`1` })
    .from(quarantined)
    .where(eq(quarantined.quarantine, quarantine.id));
  await tx.delete(quarantine).where(notExists(waiting));
}

function described({ studyUid, seriesUid, sopUid, patientId, headerIssuer, modality }: InstanceFacts) {
  return { studyUid, seriesUid, sopUid, patientId, issuer: headerIssuer, modality };
}
