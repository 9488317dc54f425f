import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { BACKGROUND_DATABASE, type Database } from '../database/database.module.js';
import { OrthancApi } from '../orthanc/orthanc.api.js';

const Counts = z.object({ shown: z.number(), quarantined: z.number(), uploads: z.number() });

/**
 * The difference between the totals of archive and catalog. `count`: unexplained instances in the archive. `uploads`: running uploads,
 * which may explain some.
 */
export interface CountDifference {
  readonly count: number;
  readonly uploads: number;
  /** Stays the same while no total changes. */
  readonly fingerprint: string;
}

/** Compares the totals, because only the totals reveal deletions. */
@Injectable()
export class Totals {
  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly api: OrthancApi,
  ) {}

  /** `undefined` when the totals agree. `deferred`: instances in the archive whose upload has not completed. */
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
