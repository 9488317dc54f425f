import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Database } from '../database/database.module.js';

const Page = z.array(z.object({ id: z.coerce.number(), wrong: z.boolean() }));

/** How many studies of a page had wrong counts, and the id the page ends at; `undefined` when there are no more studies. */
export interface Counted {
  readonly repaired: number;
  readonly upTo: number | undefined;
}

/**
 * Counts are written with each row; should they ever differ from the rows, the rows are right: mended for `limit` studies after one
 * of them, in the order of their ids.
 */
export async function mendCounts(database: Database, after: number, limit: number): Promise<Counted> {
  return database.transaction(async (tx) => {
    const rows = await tx.execute(sql`
      select s.id, s.instance_count <> coalesce(sum(c.held), 0) or s.series_count <> count(*) filter (where c.held > 0)
        or coalesce(bool_or(c.counted <> c.held), false) as wrong
      from (select id, instance_count, series_count from studies where id > ${after} order by id limit ${limit}) s
      left join lateral (select e.instance_count as counted, (select count(*) from instances i where i.series = e.id) as held
        from series e where e.study = s.id) c on true
      group by s.id, s.instance_count, s.series_count order by s.id`);
    const page = Page.parse([...rows]);
    const wrong = page.filter((study) => study.wrong).map(({ id }) => id);
    for (const id of wrong) {
      // Who admits into it takes this lock first, so what is counted now is all there is.
      await tx.execute(sql`select from studies where id = ${id} for update`);
      await tx.execute(sql`
        update series set instance_count = (select count(*) from instances i where i.series = series.id)
        where study = ${id}`);
      await tx.execute(sql`select refresh_study(${id})`);
    }
    return { repaired: wrong.length, upTo: page.at(-1)?.id };
  });
}
