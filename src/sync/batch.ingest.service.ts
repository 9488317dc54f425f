import { Inject, Injectable } from '@nestjs/common';
import { inArray, sql, TransactionRollbackError } from 'drizzle-orm';
import { Changes } from '../database/changes.js';
import { BACKGROUND_DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { pending, quarantined } from '../database/schema.catalog.js';
import { type OrthancId, orthancIdOf } from '../orthanc/orthanc.id.js';
import { noteHandled } from '../problems/handled.errors.js';
import { insertInstances, type NewInstance } from '../catalog/instance.insert.js';
import { Uploaders } from '../catalog/uploaders.service.js';
import { knownUidsOf } from './catalogued.instances.js';
import { type ReadInstance, InstanceReader } from './instance.reader.service.js';
import { type Uploader, resolveParents } from '../catalog/parent.resolution.js';

/** Number of instances that are read before they are inserted. */
const READ_TOGETHER = 25;

type Group = readonly [NewInstance, ...NewInstance[]];

/** Inserts many new instances of the archive together, with one transaction for each series. */
@Injectable()
export class BatchIngest {
  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly reader: InstanceReader,
    private readonly uploaders: Uploaders,
    private readonly changes: Changes,
  ) {}

  /**
   * Inserts the instances that need no special handling. Returns the ids of all other instances: unreadable, known, reserved, quarantined
   * and conflicting instances. {@link Ingest} handles these instances one by one. `ids` has at most some hundreds of elements. The next
   * instances are read while the previous ones are inserted.
   */
  async ingest(ids: readonly OrthancId[]): Promise<OrthancId[]> {
    const inserted = new Set<OrthancId>();
    let inserting: Promise<unknown> = Promise.resolve();
    for (let at = 0; at < ids.length; at += READ_TOGETHER) {
      const [read] = await Promise.all([this.reader.readAll(ids.slice(at, at + READ_TOGETHER)), inserting]);
      inserting = this.insertRead(read, inserted);
      // An error is thrown by the next `await`, after the instances of that time were read.
      inserting.catch(() => undefined);
    }
    await inserting;
    return ids.filter((id) => !inserted.has(id));
  }

  private async insertRead(
    read: ReadonlyMap<OrthancId, ReadInstance>,
    inserted: Set<OrthancId>,
  ): Promise<void> {
    for (const [aet, group] of groupsOf(read)) {
      const by = await this.uploaders.of(aet);
      // If a group fails, its instances are ingested one by one.
      const rows = await this.insert(group, by).catch((error: unknown) => {
        if (!(error instanceof TransactionRollbackError)) noteHandled('batch ingest', error);
        return [];
      });
      if (rows.length > 0) this.changes.studyHasGrown(group[0].facts.studyUid);
      for (const { archived } of rows) inserted.add(archived.id);
    }
  }

  /** Returns the instances that were inserted. */
  private async insert(group: Group, by: Uploader): Promise<readonly NewInstance[]> {
    return this.database.transaction(async (tx) => {
      // A crash of the database may lose these rows. The position in the feed is committed later, with a durable commit. After a crash, the
      // gateway therefore reads these instances again.
      await tx.execute(sql`set local synchronous_commit = off`);
      const at = await resolveParents(tx, group[0].facts, by);
      if (typeof at === 'string' || 'kind' in at) return tx.rollback();
      const [first, ...others] = await insertableOf(tx, group);
      if (first === undefined) return tx.rollback();
      await insertInstances(tx, at, by, [first, ...others]);
      return [first, ...others];
    });
  }
}

/**
 * Returns the instances that are not quarantined and whose SOP Instance UID is neither in the catalog (visible or rejected) nor reserved. The reservations are
 * read before the catalog: an upload that completes between the two reads has a row in the catalog.
 */
async function insertableOf(tx: Transaction, group: Group): Promise<NewInstance[]> {
  const uids = group.map(({ facts }) => facts.sopUid);
  const reserved = await tx
    .select({ uid: pending.sopUid })
    .from(pending)
    .where(inArray(pending.sopUid, uids));
  const known = await knownUidsOf(tx, uids);
  const held = await tx
    .select({ id: quarantined.orthancId })
    .from(quarantined)
    .where(
      inArray(
        quarantined.orthancId,
        group.map(({ archived }) => archived.id),
      ),
    );
  const takenUids = new Set<string>([...reserved.map(({ uid }) => uid), ...known]);
  const heldIds = new Set<string>(held.map(({ id }) => id));
  return group.filter(({ facts, archived }) => !takenUids.has(facts.sopUid) && !heldIds.has(archived.id));
}

/** Groups instances by the AE title that sent them, and by all values that determine the patient, study and series. */
function groupsOf(
  instances: ReadonlyMap<OrthancId, ReadInstance>,
): [aet: string | undefined, group: Group][] {
  const groups = new Map<string, [string | undefined, [NewInstance, ...NewInstance[]]]>();
  for (const [id, { facts, aet, ...content }] of instances) {
    const { patientId, studyUid, seriesUid, headerIssuer, institution, modality } = facts;
    if (orthancIdOf(patientId, studyUid, seriesUid, facts.sopUid) !== id) continue;
    const study = orthancIdOf(patientId, studyUid);
    const series = orthancIdOf(patientId, studyUid, seriesUid);
    const one = { facts, archived: { id, study, series, ...content } };
    const key = JSON.stringify([aet, patientId, studyUid, seriesUid, headerIssuer, institution, modality]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [aet, [one]]);
    else group[1].push(one);
  }
  return [...groups.values()];
}
