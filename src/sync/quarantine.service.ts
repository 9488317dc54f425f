import { Inject, Injectable } from '@nestjs/common';
import { and, asc, eq, gt, inArray, isNull, notExists, sql } from 'drizzle-orm';
import { Changes } from '../database/changes.js';
import { BACKGROUND_DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { quarantine, quarantined } from '../database/schema.catalog.js';
import { OrthancId } from '../orthanc/orthanc.id.js';
import type { InstanceFacts } from '../catalog/instance.facts.js';
import { cataloguedOf } from './catalogued.instances.js';
import { withRetries } from '../catalog/retrying.js';

/** Largest number of studies that are remembered. The watcher retries the quarantined instances of other studies after a minute. */
const MAX_SHRUNK = 1_000;
/** Largest number of instances that are returned at once. */
const MAX_FREED = 500;

/** The reason why an instance is in quarantine. */
export type Reason = (typeof quarantine.$inferSelect)['reason'];

/** An instance to quarantine, and its study in Orthanc. `facts` is `undefined` if the header cannot be read. */
export interface QuarantinedInstance {
  readonly id: OrthancId;
  readonly study: OrthancId;
  readonly facts: InstanceFacts | undefined;
}

/** The quarantine: instances of the archive that the gateway does not show. No instance has a row in both `quarantined` and `instances`. */
@Injectable()
export class Quarantine {
  /** Studies that lost instances a short time ago. An instance of these studies may no longer contradict the catalog. */
  private readonly shrunk = new Set<string>();

  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    changes: Changes,
  ) {
    changes.on((change) => {
      if (change.of === 'study' && change.kind === 'replaced' && this.shrunk.size < MAX_SHRUNK)
        this.shrunk.add(change.studyUid);
    });
  }

  /** Quarantines an instance that is not in the catalog. Returns true if the instance was not yet quarantined for this reason. */
  async add({ id, study, facts }: QuarantinedInstance, reason: Reason): Promise<boolean> {
    return withRetries(() =>
      this.database.transaction(async (tx) => {
        if (await isInCatalog(tx, id)) return false;
        const [before] = await tx
          .select({ reason: quarantine.reason, decision: quarantined.decision })
          .from(quarantined)
          .innerJoin(quarantine, eq(quarantine.id, quarantined.quarantine))
          .where(eq(quarantined.orthancId, id));
        // An instance with an open decision is not moved to another group.
        if (before?.reason === reason || typeof before?.decision === 'string') return false;
        const group = await groupOf(tx, study, reason);
        const row = { quarantine: group, ...(facts === undefined ? {} : columnsOf(facts)) };
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

  /** Removes an instance from quarantine. */
  async release(id: OrthancId): Promise<void> {
    await withRetries(() => this.database.transaction((tx) => releaseFromQuarantine(tx, id)));
  }

  /** Returns the number of quarantined instances. */
  count(): Promise<number> {
    return this.database.$count(quarantined);
  }

  /** Returns the subset of `ids` that is quarantined. */
  async among(ids: readonly OrthancId[]): Promise<ReadonlySet<string>> {
    const rows = await this.database
      .select({ id: quarantined.orthancId })
      .from(quarantined)
      .where(inArray(quarantined.orthancId, [...ids]));
    return new Set(rows.map(({ id }) => id));
  }

  /** Returns why an instance is quarantined, or `undefined` if it is not quarantined. */
  async reasonOf(id: OrthancId): Promise<Reason | undefined> {
    const [row] = await this.database
      .select({ reason: quarantine.reason })
      .from(quarantined)
      .innerJoin(quarantine, eq(quarantine.id, quarantined.quarantine))
      .where(eq(quarantined.orthancId, id));
    return row?.reason;
  }

  /**
   * Returns the ids of quarantined instances in studies that lost instances since the last call. Another instance of such a study may have
   * been the reason for the quarantine.
   */
  async takeFreed(): Promise<OrthancId[]> {
    if (this.shrunk.size === 0) return [];
    const shrunk = [...this.shrunk];
    this.shrunk.clear();
    const rows = await this.database
      .select({ id: quarantined.orthancId })
      .from(quarantined)
      .where(and(inArray(quarantined.studyUid, shrunk), isNull(quarantined.decision)))
      .limit(MAX_FREED);
    return rows.map(({ id }) => OrthancId.parse(id));
  }

  /** Returns at most `limit` quarantined instances with an id greater than `after` and without a decision, ordered by id. */
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

/** Whether the catalog has a row for this Orthanc id. The instance can be visible or rejected. */
export async function isInCatalog(tx: Transaction, id: OrthancId): Promise<boolean> {
  return (await cataloguedOf(tx, [id])).has(id);
}

/** Returns the id of the group that has this Orthanc study and this reason. Creates the group if it does not exist. */
export async function groupOf(tx: Transaction, orthancStudy: string, reason: Reason): Promise<string> {
  const [group] = await tx
    .insert(quarantine)
    .values({ orthancStudy, reason })
    .onConflictDoUpdate({ target: [quarantine.orthancStudy, quarantine.reason], set: { reason } })
    .returning({ id: quarantine.id });
  if (group === undefined) throw new Error('an upsert returned no row');
  return group.id;
}

/** Whether an open decision will delete this instance from Orthanc. Such an instance must not be shown. Locks the row in `quarantined`. */
export async function isBeingDeleted(tx: Transaction, id: OrthancId): Promise<boolean> {
  const rows = await tx.execute(sql`
    select d.decision <> 'accept' as deletes from quarantined w left join quarantine_decisions d on d.id = w.decision
    where w.orthanc_id = ${id} for update of w`);
  return rows[0]?.['deletes'] === true;
}

/** Removes an instance from quarantine within a transaction. Also removes the group of the instance if the group is empty now. */
export async function releaseFromQuarantine(tx: Transaction, id: OrthancId): Promise<void> {
  const deleted = await tx
    .delete(quarantined)
    .where(eq(quarantined.orthancId, id))
    .returning({ group: quarantined.quarantine });
  if (deleted.length === 0) return;
  const members = tx
    .select({ one: sql`1` })
    .from(quarantined)
    .where(eq(quarantined.quarantine, quarantine.id));
  await tx.delete(quarantine).where(notExists(members));
}

function columnsOf({ studyUid, seriesUid, sopUid, patientId, headerIssuer, modality }: InstanceFacts) {
  return { studyUid, seriesUid, sopUid, patientId, issuer: headerIssuer, modality };
}
