import { Inject, Injectable } from '@nestjs/common';
import { inArray, sql, TransactionRollbackError } from 'drizzle-orm';
import { BACKGROUND_DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { instances, pending, quarantined } from '../database/schema.catalog.js';
import { type OrthancId, orthancIdOf } from '../orthanc/orthanc.id.js';
import { noteHandled } from '../problems/handled.errors.js';
import { insertInstances, type NewInstance } from '../catalog/instance.insert.js';
import { Uploaders } from '../catalog/uploaders.service.js';
import { type ReadInstance, InstanceReader } from './instance.reader.service.js';
import { type Uploader, resolveParents } from '../catalog/parent.resolution.js';

type Group = readonly [NewInstance, ...NewInstance[]];

/** Takes up many newcomers of the archive together: those of one series are one transaction. */
@Injectable()
export class BatchIngest {
  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly originals: InstanceReader,
    private readonly depositors: Uploaders,
  ) {}

  /**
   * Takes up what is plain of these instances (some hundreds), which the catalog is thought not to hold. Resolves with the others: what
   * cannot be read, is known, on its way, left behind, in quarantine or contradicts wants a look of its own.
   */
  async take(ids: readonly OrthancId[]): Promise<OrthancId[]> {
    const admitted = new Set<OrthancId>();
    const originals = await this.originals.readable(ids);
    for (const [aet, group] of groupsOf(originals)) {
      const by = await this.depositors.of(aet);
      // What goes wrong together is tried one by one.
      const taken = await this.admit(group, by).catch((error: unknown) => {
        if (!(error instanceof TransactionRollbackError)) noteHandled('batch ingest', error);
        return [];
      });
      for (const { arrived } of taken) admitted.add(arrived.id);
    }
    return ids.filter((id) => !admitted.has(id));
  }

  /** Those that have their rows now. */
  private async admit(group: Group, by: Uploader): Promise<readonly NewInstance[]> {
    return this.database.transaction(async (tx) => {
      // What is lost of it in a crash of the database is found again: the feed's position is written after it, and durably.
      await tx.execute(sql`set local synchronous_commit = off`);
      const at = await resolveParents(tx, group[0].facts, by);
      if (typeof at === 'string' || 'kind' in at) return tx.rollback();
      const [first, ...others] = await plainOf(tx, group);
      if (first === undefined) return tx.rollback();
      await insertInstances(tx, at, by, [first, ...others]);
      return [first, ...others];
    });
  }
}

/** Those whose SOP Instance UID nobody holds or reserves, and who do not wait in quarantine. Reservations first: one that is gone by now has left its row. */
async function plainOf(tx: Transaction, group: Group): Promise<NewInstance[]> {
  const uids = group.map(({ facts }) => facts.sopUid);
  const onTheirWay = await tx
    .select({ uid: pending.sopUid })
    .from(pending)
    .where(inArray(pending.sopUid, uids));
  const known = await tx
    .select({ uid: instances.sopUid })
    .from(instances)
    .where(inArray(instances.sopUid, uids));
  const waiting = await tx
    .select({ id: quarantined.orthancId })
    .from(quarantined)
    .where(
      inArray(
        quarantined.orthancId,
        group.map(({ arrived }) => arrived.id),
      ),
    );
  const others = new Set<string>([...onTheirWay, ...known].map(({ uid }) => uid));
  const aside = new Set<string>(waiting.map(({ id }) => id));
  return group.filter(({ facts, arrived }) => !others.has(facts.sopUid) && !aside.has(arrived.id));
}

/** By calling AET and by all that decides about an instance's place. */
function groupsOf(
  originals: ReadonlyMap<OrthancId, ReadInstance>,
): [aet: string | undefined, group: Group][] {
  const groups = new Map<string, [string | undefined, [NewInstance, ...NewInstance[]]]>();
  for (const [id, { facts, aet, ...content }] of originals) {
    const { patientId, studyUid, seriesUid, headerIssuer, institution, modality } = facts;
    if (orthancIdOf(patientId, studyUid, seriesUid, facts.sopUid) !== id) continue;
    const study = orthancIdOf(patientId, studyUid);
    const series = orthancIdOf(patientId, studyUid, seriesUid);
    const one = { facts, arrived: { id, study, series, ...content } };
    const key = JSON.stringify([aet, patientId, studyUid, seriesUid, headerIssuer, institution, modality]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [aet, [one]]);
    else group[1].push(one);
  }
  return [...groups.values()];
}
