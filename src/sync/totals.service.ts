import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { BACKGROUND_DATABASE, type Database } from '../database/database.module.js';
import { OrthancApi } from '../orthanc/orthanc.api.js';
import type { OrthancId } from '../orthanc/orthanc.id.js';

/** A list reads this many rows in less than a tenth of a millisecond. */
const MANY_CHANGES = 100;

const Counts = z.object({
  shown: z.number(),
  rejected: z.number(),
  quarantined: z.number(),
  deferred: z.number(),
  uploads: z.number(),
});

/**
 * The difference between the totals of the archive and the catalog. `count` is the number of instances in the archive minus the instances
 * that are in the catalog (visible or rejected), quarantined or deferred. `uploads` is the number of running uploads, which can explain a part of the difference.
 */
export interface CountDifference {
  readonly count: number;
  readonly uploads: number;
  /** Two differences have the same fingerprint if all totals are equal. */
  readonly fingerprint: string;
}

/** Compares the totals of the archive and the catalog. Orthanc does not report deletions, so only the totals reveal deletions. */
@Injectable()
export class Totals {
  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    @Inject(OrthancApi) private readonly api: Pick<OrthancApi, 'statistics'>,
  ) {}

  /**
   * Returns `undefined` if the totals agree. `waiting` lists the archived instances that wait for the end of an upload or a decision. An
   * instance that is also quarantined or in the catalog counts once.
   */
  async difference(waiting: readonly OrthancId[]): Promise<CountDifference | undefined> {
    const { CountInstances: archived } = await this.api.statistics();
    const [row] = await this.database.execute(sql`
      select coalesce(sum(instance_count), 0)::int as shown, coalesce(sum(rejected_count), 0)::int as rejected,
        (select count(*)::int from quarantined) as quarantined,
        (select count(*)::int from unnest(${sql.param(waiting)}::text[]) as waiting (archived)
          where not exists (select from quarantined where orthanc_id = archived)
          and not exists (select from instances where orthanc_id = archived)
          and not exists (select from rejected_instances where orthanc_id = archived)) as deferred,
        (select count(*)::int from pending where expires_at > clock_timestamp()) as uploads
      from studies`);
    const { shown, rejected, quarantined, deferred, uploads } = Counts.parse(row);
    await this.sumUpChanges();
    const count = archived - shown - rejected - quarantined - deferred;
    return count === 0
      ? undefined
      : { count, uploads, fingerprint: [archived, shown, rejected, quarantined, deferred].join(' ') };
  }

  /** Replaces the changes of the number of visible studies by their sum, if there are many. Lists of all studies read these rows. */
  private async sumUpChanges(): Promise<void> {
    await this.database.execute(sql`
      with many as (select count(*) > ${MANY_CHANGES} as are from visible_study_changes),
        changes as (delete from visible_study_changes using many where many.are returning change)
      insert into visible_study_changes select sum(change) from changes having count(*) > 0`);
  }
}
