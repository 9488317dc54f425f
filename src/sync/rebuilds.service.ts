import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { BACKGROUND_DATABASE, type Database } from '../database/database.module.js';
import { OrthancApi } from '../orthanc/orthanc.api.js';
import type { OrthancId } from '../orthanc/orthanc.id.js';
import { Ingest } from './ingest.service.js';
import { repairCounts } from './count.repair.js';
import { ArchiveDiff } from './archive.diff.service.js';
import type { IngestAll } from './sweep.service.js';

/**
 * The state of a rebuild. `archived` is the number of instances in the archive when the rebuild began. `checked` is the number of instances
 * compared up to now. `adopted`, `removed` and `refreshed` are numbers of rows. `repaired` is the number of studies whose wrong counts were
 * corrected.
 */
export const Rebuild = z.object({
  id: z.string(),
  state: z.enum(['requested', 'running', 'completed']),
  requested_at: z.string(),
  started_at: z.string().nullable(),
  finished_at: z.string().nullable(),
  archived: z.number(),
  checked: z.number(),
  adopted: z.number(),
  removed: z.number(),
  repaired: z.number(),
  refreshed: z.number(),
});

export type Rebuild = z.infer<typeof Rebuild>;

const INSTANCE_PAGE = 500;
const STUDY_PAGE = 500;
const SERIES_PAGE = 100;

/**
 * Compares the whole catalog with the whole archive page by page. The catalog and the archive can be used during the rebuild. The rebuild
 * does not delete the catalog first.
 */
@Injectable()
export class Rebuilds {
  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly api: OrthancApi,
    private readonly ingest: Ingest,
    private readonly archiveDiff: ArchiveDiff,
  ) {}

  /** Requests a rebuild, and the watcher runs it. Returns the new rebuild, or the rebuild that is already requested or running. */
  async request(): Promise<Rebuild> {
    await this.database.execute(sql`insert into rebuilds default values on conflict do nothing`);
    const rebuild = await this.latest();
    if (rebuild === undefined) throw new Error('the requested rebuild has no row');
    return rebuild;
  }

  /** Returns the newest rebuild, or `undefined` if there has been none. */
  async latest(): Promise<Rebuild | undefined> {
    const rows = await this.database.execute(
      sql`select to_jsonb(rebuilds) as row from rebuilds order by requested_at desc limit 1`,
    );
    return rows[0] === undefined ? undefined : Rebuild.parse(rows[0]['row']);
  }

  /**
   * Runs a rebuild if a rebuild was requested or interrupted. Calls `betweenPages` after each page. `betweenPages` can throw to stop the
   * rebuild.
   */
  async runIfRequested(ingestAll: IngestAll, betweenPages: () => Promise<void>): Promise<void> {
    const rebuild = await this.latest();
    if (rebuild === undefined || rebuild.state === 'completed') return;
    const { CountInstances: archived } = await this.api.statistics();
    await this.database.execute(sql`
      update rebuilds set state = 'running', started_at = coalesce(started_at, clock_timestamp()),
        archived = ${archived}, checked = 0 where id = ${rebuild.id}::uuid`);
    await this.ingestUnknown(rebuild.id, ingestAll, betweenPages);
    await this.compare(rebuild.id, ingestAll, betweenPages);
    await this.refreshDescriptions(rebuild.id, ingestAll, betweenPages);
    const repaired = await this.repair(betweenPages);
    await this.database.execute(sql`
      update rebuilds set state = 'completed', finished_at = clock_timestamp(), repaired = ${repaired}
      where id = ${rebuild.id}::uuid`);
  }

  private async ingestUnknown(
    rebuild: string,
    ingestAll: IngestAll,
    betweenPages: () => Promise<void>,
  ): Promise<void> {
    let page: OrthancId[];
    let since = 0;
    do {
      page = await this.api.page('instances', since, INSTANCE_PAGE);
      since += page.length;
      const unknown = await this.ingest.unknownOf(page);
      await ingestAll(unknown);
      await this.database.execute(sql`
        update rebuilds set checked = checked + ${page.length}, adopted = adopted + ${unknown.length}
        where id = ${rebuild}::uuid`);
      await betweenPages();
    } while (page.length === INSTANCE_PAGE);
  }

  private async compare(
    rebuild: string,
    ingestAll: IngestAll,
    betweenPages: () => Promise<void>,
  ): Promise<void> {
    for (let after = 0; ;) {
      const rows = await this.archiveDiff.rowsAfter(after, INSTANCE_PAGE);
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last.id;
      const { removed, refreshed, replaced } = await this.archiveDiff.compare(rows);
      await ingestAll(replaced);
      await this.database.execute(sql`
        update rebuilds set removed = removed + ${removed}, refreshed = refreshed + ${refreshed}
        where id = ${rebuild}::uuid`);
      await betweenPages();
    }
  }

  /** Reads the first file of every series again. This file determines the descriptions of the series and the study. */
  private async refreshDescriptions(
    rebuild: string,
    ingestAll: IngestAll,
    betweenPages: () => Promise<void>,
  ): Promise<void> {
    for (let after = 0; ;) {
      const rows = await this.archiveDiff.firstOfSeriesAfter(after, SERIES_PAGE);
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last.series;
      let refreshed = 0;
      for (const row of rows) {
        const outcome = await this.archiveDiff.reread(row);
        if (outcome === 'refreshed' || outcome === 'replaced') refreshed += 1;
        if (outcome === 'replaced') await ingestAll([row.orthancId]);
      }
      await this.database.execute(
        sql`update rebuilds set refreshed = refreshed + ${refreshed} where id = ${rebuild}::uuid`,
      );
      await betweenPages();
    }
  }

  private async repair(betweenPages: () => Promise<void>): Promise<number> {
    let sum = 0;
    for (let after = 0; ;) {
      const { repaired, upTo } = await repairCounts(this.database, after, STUDY_PAGE);
      sum += repaired;
      if (upTo === undefined) return sum;
      after = upTo;
      await betweenPages();
    }
  }
}
