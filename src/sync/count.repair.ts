import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Database } from '../database/database.module.js';

const Page = z.array(z.object({ id: z.coerce.number(), wrong: z.boolean() }));

/**
 * How many studies of a page had wrong counts (`repaired`), and the last id of the page (`upTo`). `upTo` is `undefined` if there are no
 * more studies.
 */
export interface RepairedCounts {
  readonly repaired: number;
  readonly upTo: number | undefined;
}

/**
 * Recounts the series and instances of the next `limit` studies with an id greater than `after`, ordered by id. Each insert updates these
 * counts. If a count differs from the number of rows, this function corrects the count.
 */
export async function repairCounts(
  database: Database,
  after: number,
  limit: number,
): Promise<RepairedCounts> {
  return database.transaction(async (tx) => {
    const rows = await tx.execute(sql`
      select s.id, s.instance_count <> coalesce(sum(c.held), 0) or s.series_count <> count(*) filter (where c.held > 0)
        or coalesce(bool_or(c.counted <> c.held), false) or s.rejected_count <> coalesce(sum(c.rejected), 0) as wrong
      from (select id, instance_count, series_count, rejected_count from studies where id > ${after} order by id limit ${limit}) s
      left join lateral (select e.instance_count as counted, (select count(*) from instances i where i.series = e.id) as held,
          (select count(*) from rejected_instances r where r.series = e.id) as rejected
        from series e where e.study = s.id) c on true
      group by s.id, s.instance_count, s.series_count, s.rejected_count order by s.id`);
    const page = Page.parse([...rows]);
    const wrong = page.filter((study) => study.wrong).map(({ id }) => id);
    for (const id of wrong) {
      // Each insert into a study locks the study first. With this lock, the recount therefore includes all instances.
      await tx.execute(sql`select from studies where id = ${id} for update`);
      await tx.execute(sql`
        update series set instance_count = (select count(*) from instances i where i.series = series.id)
        where study = ${id}`);
      await tx.execute(sql`select refresh_study(${id})`);
    }
    return { repaired: wrong.length, upTo: page.at(-1)?.id };
  });
}
