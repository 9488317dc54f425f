import { Inject, Injectable } from '@nestjs/common';
import { asc, gt, sql } from 'drizzle-orm';
import { z } from 'zod';
import { DATABASE, type Database } from '../database/database.module.js';
import { instances } from '../database/schema.catalog.js';
import { OrthancApi } from '../orthanc/orthanc.api.js';
import { OrthancId } from '../orthanc/orthanc.id.js';
import { Arrivals } from './arrivals.service.js';
import { Departures } from './departures.service.js';

const Row = z.object({
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
});

/** A rebuild as it stands: of `archived` instances when it began `checked` are looked up; rows adopted, removed, and studies whose counts were mended. */
export type Rebuild = z.infer<typeof Row>;

const PAGE = 500;
const AT_ONCE = 4;

/** Compares catalog and archive from end to end, page by page, while both are in use: nothing is emptied first. */
@Injectable()
export class Rebuilds {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly api: OrthancApi,
    private readonly arrivals: Arrivals,
    private readonly departures: Departures,
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
    return rows[0] === undefined ? undefined : Row.parse(rows[0]['row']);
  }

  /** Does what was asked for, or was cut off, if anything; `take` adopts, `between` is called after each page, and may stop by throwing. */
  async runIfAsked(
    take: (ids: readonly OrthancId[]) => Promise<void>,
    between: () => Promise<void>,
  ): Promise<void> {
    const rebuild = await this.latest();
    if (rebuild === undefined || rebuild.state === 'completed') return;
    const { CountInstances: archived } = await this.api.statistics();
    await this.database.execute(sql`
      update rebuilds set state = 'running', started_at = coalesce(started_at, clock_timestamp()),
        archived = ${archived}, checked = 0 where id = ${rebuild.id}::uuid`);
    await this.adopt(rebuild.id, take, between);
    await this.remove(rebuild.id, between);
    const repaired = await this.mendCounts();
    await this.database.execute(sql`
      update rebuilds set state = 'completed', finished_at = clock_timestamp(), repaired = ${repaired}
      where id = ${rebuild.id}::uuid`);
  }

  private async adopt(
    rebuild: string,
    take: (ids: readonly OrthancId[]) => Promise<void>,
    between: () => Promise<void>,
  ): Promise<void> {
    let page: OrthancId[];
    let since = 0;
    do {
      page = await this.api.instanceIds(since, PAGE);
      since += page.length;
      const unknown = await this.arrivals.unknownOf(page);
      await take(unknown);
      await this.database.execute(sql`
        update rebuilds set checked = checked + ${page.length}, adopted = adopted + ${unknown.length}
        where id = ${rebuild}::uuid`);
      await between();
    } while (page.length === PAGE);
  }

  private async remove(rebuild: string, between: () => Promise<void>): Promise<void> {
    let after = 0;
    for (;;) {
      const rows = await this.database
        .select({ id: instances.id, orthancId: instances.orthancId })
        .from(instances)
        .where(gt(instances.id, after))
        .orderBy(asc(instances.id))
        .limit(PAGE);
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last.id;
      let removed = 0;
      for (let at = 0; at < rows.length; at += AT_ONCE) {
        const held = await Promise.all(
          rows.slice(at, at + AT_ONCE).map((row) => this.departures.recheck(OrthancId.parse(row.orthancId))),
        );
        removed += held.filter((one) => !one).length;
      }
      await this.database.execute(
        sql`update rebuilds set removed = removed + ${removed} where id = ${rebuild}::uuid`,
      );
      await between();
    }
  }

  /** Counts are written with each row; should they ever differ from the rows, the rows are right. */
  private async mendCounts(): Promise<number> {
    return this.database.transaction(async (tx) => {
      const rows = await tx.execute(sql`
        with counted as (
          select e.id, e.study, (select count(*) from instances i where i.series = e.id) as held from series e),
        wrong as (
          select s.id from studies s join counted c on c.study = s.id group by s.id, s.instance_count, s.series_count
          having s.instance_count <> sum(c.held) or s.series_count <> count(*) filter (where c.held > 0))
        select id from studies where id in (select id from wrong) order by id for update`);
      for (const { id } of z.array(z.object({ id: z.coerce.number() })).parse([...rows])) {
        await tx.execute(sql`
          update series set instance_count = (select count(*) from instances i where i.series = series.id)
          where study = ${id}`);
        await tx.execute(sql`select refresh_study(${id})`);
      }
      return rows.length;
    });
  }
}
