import { Inject, Injectable } from '@nestjs/common';
import { type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import { type Policy, seesAll, toSql } from '../authz/policy.js';
import { DATABASE, type Database } from '../database/database.module.js';
import { Slots } from '../limits/slots.js';
import { CATALOG_ATTRIBUTES, type CatalogAttribute, type Level } from './search.attributes.js';
import { allMatch, type Filter } from './search.matching.js';

/** A search as asked: which level, what must match, which page. */
export interface Search {
  readonly level: Level;
  readonly filters: readonly Filter[];
  readonly limit: number;
  readonly offset: number;
  /** Names may also be alike only (PS3.18 §8.3.4.2). */
  readonly fuzzy: boolean;
}

/** One found thing: values by tag as the catalog keeps them. */
export type FoundItem = Readonly<Record<string, string | number | readonly string[] | null>>;

/** A page and how many this account may see in all. */
export interface SearchResult {
  readonly total: number;
  readonly items: readonly FoundItem[];
}

const Result = z.object({
  total: z.coerce.number(),
  items: z.array(z.record(z.string(), z.union([z.string(), z.number(), z.array(z.string()), z.null()]))),
});

/** Searches at one time, of all and of one account: a large archive takes seconds to count, and requests share 16 connections. */
const AT_ONCE = 10;
const OF_ONE_ACCOUNT = 4;

/** How much of their trigrams words share that are alike: `Yamda` and `Yamada` 0.5. */
const ALIKE = '0.45';

const DEPTH: Record<Level, number> = { study: 0, series: 1, instance: 2 };

/** What identifies and orders a found row, by the name it has in the statement; small, since all that is found is counted and sorted. */
const KEYS: Record<Level, SQL> = {
  study: sql`studies.id as study, studies.study_date, studies.study_time`,
  series: sql`studies.id as study, studies.study_date, studies.study_time, series.id as series, series.series_number`,
  instance: sql`studies.id as study, studies.study_date, studies.study_time, series.id as series, series.series_number,
    instances.id as instance, instances.instance_number`,
};

/** Newest study first; every order ends in a key of its own, so that pages are stable. */
const ORDER: Record<Level, SQL> = {
  study: sql`study_date desc, study_time desc, study desc`,
  series: sql`study_date desc, study_time desc, study desc, series_number, series`,
  instance: sql`study_date desc, study_time desc, study desc, series_number, series, instance_number, instance`,
};

const FROM: Record<Level, SQL> = {
  study: sql`studies join patients on patients.id = studies.patient`,
  series: sql`studies join patients on patients.id = studies.patient join series on series.study = studies.id`,
  instance: sql`studies join patients on patients.id = studies.patient join series on series.study = studies.id
    join instances on instances.series = series.id`,
};

/** The rows of a page with all their columns, by their keys. */
const PAGE: Record<Level, SQL> = {
  study: sql`page join studies on studies.id = page.study join patients on patients.id = studies.patient`,
  series: sql`page join studies on studies.id = page.study join patients on patients.id = studies.patient
    join series on series.id = page.series`,
  instance: sql`page join studies on studies.id = page.study join patients on patients.id = studies.patient
    join series on series.id = page.series join instances on instances.id = page.instance`,
};

/** The attributes answered at a level: its own and those above. */
export function attributesAt(level: Level): readonly CatalogAttribute[] {
  return CATALOG_ATTRIBUTES.filter((attribute) => DEPTH[attribute.level] <= DEPTH[level]);
}

/** QIDO's questions: right, scope, filter, order, page and total in one statement (design.md, decision 2). */
@Injectable()
export class Searches {
  private readonly slots = new Slots({ places: AT_ONCE, perAccount: OF_ONE_ACCOUNT });

  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** The page of what the account may read and what matches; nothing is filtered after paging. Waiting for a place ends with `signal`. */
  run(policy: Policy, search: Search, signal?: AbortSignal): Promise<SearchResult> {
    return this.slots.run(() => this.ask(policy, search), signal, policy.accountId);
  }

  private async ask(policy: Policy, search: Search): Promise<SearchResult> {
    const conditions = [
      toSql(policy, 'studies:read'),
      // What is only reserved does not exist yet.
      search.level === 'study' ? sql`studies.instance_count > 0` : sql`true`,
      search.level === 'series' ? sql`series.instance_count > 0` : sql`true`,
      ...allMatch(search.filters, search.fuzzy),
    ];
    const columns = attributesAt(search.level).map(
      ({ tag, value }) => sql`${value} as ${sql.identifier(tag)}`,
    );
    const order = ORDER[search.level];
    // Found rows are counted and sorted by their keys alone; the wide columns are read for the page only.
    const statement = sql`
      with found as materialized (
        select ${KEYS[search.level]} from ${FROM[search.level]} where ${sql.join(conditions, sql` and `)}),
      sorted as (select * from found order by ${order} limit ${search.limit} offset ${search.offset}),
      page as materialized (select *, row_number() over (order by ${order}) as place from sorted),
      answered as (select ${sql.join(columns, sql`, `)}, page.place from ${PAGE[search.level]})
      select (select count(*) from found) as total,
        coalesce((select json_agg(to_jsonb(answered) - 'place' order by place) from answered), '[]') as items`;
    return Result.parse((await this.answers(policy, search, statement))[0]);
  }

  /**
   * Under the settings that the question needs, which Postgres takes from a transaction alone. Always a transaction: the driver sends
   * statements of others down the connection of one that is under way, to wait behind it, but not down that of a transaction.
   */
  private async answers(policy: Policy, search: Search, statement: SQL): Promise<readonly unknown[]> {
    const partly = !seesAll(policy, 'studies:read');
    return this.database.transaction(async (transaction) => {
      // Who sees a part is led to it by indexes, however small the tables are: what it costs is a matter of that part.
      if (partly) await transaction.execute(sql`set local enable_seqscan = off`);
      // The operator that an index answers knows its threshold from a setting alone.
      if (search.fuzzy)
        await transaction.execute(
          sql`select set_config('pg_trgm.word_similarity_threshold', ${ALIKE}, true)`,
        );
      return transaction.execute(statement);
    });
  }
}
