import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { BACKGROUND_DATABASE, type Database } from '../database/database.module.js';
import { OrthancApi } from '../orthanc/orthanc.api.js';

const Counts = z.object({ shown: z.number(), quarantined: z.number(), uploads: z.number() });

/**
 * The difference between the totals of the archive and the catalog. `count` is the number of instances in the archive minus the instances
 * that are in the catalog, quarantined or deferred. `uploads` is the number of running uploads, which can explain a part of the difference.
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
    private readonly api: OrthancApi,
  ) {}

  /**
   * Returns `undefined` if the totals agree. `deferred` is the number of archived instances that wait for the end of an upload or a
   * decision.
   */
  async difference(deferred: number): Promise<CountDifference | undefined> {
    const { CountInstances: archived } = await this.api.statistics();
    const [row] = await this.database.execute(sql`
      select (select coalesce(sum(instance_count), 0)::int from studies) as shown,
        (select count(*)::int from quarantined) as quarantined,
        (select count(*)::int from pending where expires_at > clock_timestamp()) as uploads`);
    const { shown, quarantined, uploads } = Counts.parse(row);
    const count = archived - shown - quarantined - deferred;
    return count === 0
      ? undefined
      : { count, uploads, fingerprint: [archived, shown, quarantined, deferred].join(' ') };
  }
}
