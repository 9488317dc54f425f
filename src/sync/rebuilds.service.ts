import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { BACKGROUND_DATABASE, type Database } from '../database/database.module.js';
import { OrthancApi } from '../orthanc/orthanc.api.js';
import type { OrthancId } from '../orthanc/orthanc.id.js';
import { Ingest } from './ingest.service.js';
import { mendCounts } from './counting.js';
import { ArchiveDiff } from './archive.diff.service.js';
import type { Take } from './sweep.service.js';

/** A rebuild as it stands: of `archived` instances when it began `checked` are looked up; rows adopted, removed and refreshed, and studies whose counts were mended. */
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

const PAGE = 500;
const STUDIES = 500;
const SERIES = 100;

/** Compares catalog and archive from end to end, page by page, while both are in use: nothing is emptied first. */
@Injectable()
export class Rebuilds {
  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly api: OrthancApi,
    private readonly arrivals: Ingest,
    private readonly holdings: ArchiveDiff,
  ) {}

  /** Asks for one; the one that is under way when there is one. The watcher takes it up. */
  async ask(): Promise<Rebuild> {
    await this.database.execute(sql`insert into rebuilds default values on conflict do nothing`);
    const rebuild = await this.latest();
    if (rebuild === undefined) throw new Error('a rebuild that was asked for is not there');
    return rebuild;
  }

  /** The newest; `undefined` when none was ever asked for. */
  async latest(): Promise<Rebuild | undefined> {
    const rows = await this.database.execute(
      sql`select to_jsonb(rebuilds) as row from rebuilds order by requested_at desc limit 1`,
    );
    return rows[0] === undefined ? undefined : Rebuild.parse(rows[0]['row']);
  }

  /** Does what was asked for, or was cut off, if anything; `take` adopts, `between` is called after each page, and may stop by throwing. */
  async runIfAsked(take: Take, between: () => Promise<void>): Promise<void> {
    const rebuild = await this.latest();
    if (rebuild === undefined || rebuild.state === 'completed') return;
    const { CountInstances: archived } = await this.api.statistics();
    await this.database.execute(sql`
      update rebuilds set state = 'running', started_at = coalesce(started_at, clock_timestamp()),
        archived = ${archived}, checked = 0 where id = ${rebuild.id}::uuid`);
    await this.adopt(rebuild.id, take, between);
    await this.compare(rebuild.id, take, between);
    await this.describe(rebuild.id, take, between);
    const repaired = await this.mend(between);
    await this.database.execute(sql`
      update rebuilds set state = 'completed', finished_at = clock_timestamp(), repaired = ${repaired}
      where id = ${rebuild.id}::uuid`);
  }

  private async adopt(rebuild: string, take: Take, between: () => Promise<void>): Promise<void> {
    let page: OrthancId[];
    let since = 0;
    do {
      page = await this.api.page('instances', since, PAGE);
      since += page.length;
      const unknown = await this.arrivals.unknownOf(page);
      await take(unknown);
      await this.database.execute(sql`
        update rebuilds set checked = checked + ${page.length}, adopted = adopted + ${unknown.length}
        where id = ${rebuild}::uuid`);
      await between();
    } while (page.length === PAGE);
  }

  private async compare(rebuild: string, take: Take, between: () => Promise<void>): Promise<void> {
    for (let after = 0; ;) {
      const rows = await this.holdings.page(after, PAGE);
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last.id;
      const { removed, refreshed, anew } = await this.holdings.compare(rows);
      await take(anew);
      await this.database.execute(sql`
        update rebuilds set removed = removed + ${removed}, refreshed = refreshed + ${refreshed}
        where id = ${rebuild}::uuid`);
      await between();
    }
  }

  /** Reads the first file of every series again: what is said of a series and a study is of their first. */
  private async describe(rebuild: string, take: Take, between: () => Promise<void>): Promise<void> {
    for (let after = 0; ;) {
      const rows = await this.holdings.firstBelow(after, SERIES);
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last.series;
      let refreshed = 0;
      for (const row of rows) {
        const renewal = await this.holdings.reread(row);
        if (renewal === 'renewed' || renewal === 'other') refreshed += 1;
        if (renewal === 'other') await take([row.orthancId]);
      }
      await this.database.execute(
        sql`update rebuilds set refreshed = refreshed + ${refreshed} where id = ${rebuild}::uuid`,
      );
      await between();
    }
  }

  private async mend(between: () => Promise<void>): Promise<number> {
    let sum = 0;
    for (let after = 0; ;) {
      const { repaired, upTo } = await mendCounts(this.database, after, STUDIES);
      sum += repaired;
      if (upTo === undefined) return sum;
      after = upTo;
      await between();
    }
  }
}
