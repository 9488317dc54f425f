import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { BACKGROUND_DATABASE, type Database } from '../database/database.module.js';
import { OrthancApi } from '../orthanc/orthanc.api.js';

const Counts = z.object({ shown: z.number(), aside: z.number(), storing: z.number() });

/** How far the archive's total and the catalog's are apart: `by` instances that nothing explains, of which `storing` senders may have some on the way. */
export interface Difference {
  readonly by: number;
  readonly storing: number;
  /** The same text while nothing changes on either side. */
  readonly seen: string;
}

/** Compares totals: the only sign the archive gives of a deletion. */
@Injectable()
export class Totals {
  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly api: OrthancApi,
  ) {}

  /** `undefined` when both hold the same number; `later`: instances the archive holds whose sender is on the way still. */
  async difference(later: number): Promise<Difference | undefined> {
    const { CountInstances: archived } = await this.api.statistics();
    const [row] = await this.database.execute(sql`
      select (select coalesce(sum(instance_count), 0)::int from studies) as shown,
        (select count(*)::int from quarantined) as aside,
        (select count(*)::int from pending where expires_at > clock_timestamp()) as storing`);
    const { shown, aside, storing } = Counts.parse(row);
    const by = archived - shown - aside - later;
    return by === 0 ? undefined : { by, storing, seen: [archived, shown, aside, later].join(' ') };
  }
}
