import { Inject, Injectable } from '@nestjs/common';
import { type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import { type Policy, seesAll, toSql } from '../authz/policy.js';
import { DATABASE, type Database } from '../database/database.module.js';
import { Slots } from '../limits/slots.js';
import { CATALOG_ATTRIBUTES, type CatalogAttribute, type Level } from './search.attributes.js';
import { allMatch, type Filter } from './search.matching.js';

/** A search: level, filters and page. */
export interface Search {
  readonly level: Level;
  readonly filters: readonly Filter[];
  readonly limit: number;
  readonly offset: number;
  /** Whether similar names match (PS3.18 §8.3.4.2). */
  readonly fuzzy: boolean;
}

/** A found study, series or instance: values by tag. */
export type FoundItem = Readonly<Record<string, string | number | readonly string[] | null>>;

/** A page, and the number of all matches that the account may see. */
export interface SearchResult {
  readonly total: number;
  readonly items: readonly FoundItem[];
}

const Result = z.object({
  total: z.coerce.number(),
  items: z.array(z.record(z.string(), z.union([z.string(), z.number(), z.array(z.string()), z.null()]))),
});

/** Concurrent searches, of all accounts and of one. Counting a large archive takes seconds, and requests share 16 connections. */
const CONCURRENT = 10;
const CONCURRENT_PER_ACCOUNT = 4;

/** Least share of common trigrams of similar words: `Yamda` and `Yamada` have 0.5. */
const MIN_SIMILARITY = '0.45';

const DEPTH: Record<Level, number> = { study: 0, series: 1, instance: 2 };

/** The columns that identify and sort a found row. They are few, because all matches are counted and sorted. */
const KEYS: Record<Level, SQL> = {
  study: sql`studies.id as study, studies.study_date, studies.study_time`,
  series: sql`studies.id as study, studies.study_date, studies.study_time, series.id as series, series.series_number`,
  instance: sql`studies.id as study, studies.study_date, studies.study_time, series.id as series, series.series_number,
    instances.id as instance, instances.instance_number`,
};

/** Newest study first. Each order ends in a unique key, so that pages are stable. */
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

/** Joins the rows of a page with all their columns. */
const PAGE: Record<Level, SQL> = {
  study: sql`page join studies on studies.id = page.study join patients on patients.id = studies.patient`,
  series: sql`page join studies on studies.id = page.study join patients on patients.id = studies.patient
    join series on series.id = page.series`,
  instance: sql`page join studies on studies.id = page.study join patients on patients.id = studies.patient
    join series on series.id = page.series join instances on instances.id = page.instance`,
};

/** The attributes that are returned at a level: its own and those of the levels above. */
export function attributesAt(level: Level): readonly CatalogAttribute[] {
  return CATALOG_ATTRIBUTES.filter((attribute) => DEPTH[attribute.level] <= DEPTH[level]);
}

/** Searches the catalog: right, scope, filter, order, page and total in one statement (docs/decisions/0001). */
@Injectable()
export class Searches {
  private readonly slots = new Slots({ places: CONCURRENT, perAccount: CONCURRENT_PER_ACCOUNT });

  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** A page of the matches that the account may read. Nothing is filtered after paging. `signal` ends the waiting for a free slot. */
  run(policy: Policy, search: Search, signal?: AbortSignal): Promise<SearchResult> {
    return this.slots.run(() => this.query(policy, search), signal, policy.accountId);
  }

  private async query(policy: Policy, search: Search): Promise<SearchResult> {
    const conditions = [
      toSql(policy, 'studies:read'),
      // A study or series with reservations only does not exist yet.
      search.level === 'study' ? sql`studies.instance_count > 0` : sql`true`,
      search.level === 'series' ? sql`series.instance_count > 0` : sql`true`,
      ...allMatch(search.filters, search.fuzzy),
    ];
    const columns = attributesAt(search.level).map(
      ({ tag, value }) => sql`${value} as ${sql.identifier(tag)}`,
    );
    const order = ORDER[search.level];
    // All matches are counted and sorted by their keys only. The other columns are read for the page.
    const statement = sql`
      with found as materialized (
        select ${KEYS[search.level]} from ${FROM[search.level]} where ${sql.join(conditions, sql` and `)}),
      sorted as (select * from found order by ${order} limit ${search.limit} offset ${search.offset}),
      page as materialized (select *, row_number() over (order by ${order}) as place from sorted),
      answered as (select ${sql.join(columns, sql`, `)}, page.place from ${PAGE[search.level]})
      select (select count(*) from found) as total,
        coalesce((select json_agg(to_jsonb(answered) - 'place' order by place) from answered), '[]') as items`;
    return Result.parse((await this.execute(policy, search, statement))[0]);
  }

  /**
   * Runs the statement in a transaction, which carries its settings. A transaction is used in any case: otherwise the driver may queue
   * statements of other requests behind this one on the same connection.
   */
  private async execute(policy: Policy, search: Search, statement: SQL): Promise<readonly unknown[]> {
    const isPartial = !seesAll(policy, 'studies:read');
    return this.database.transaction(async (transaction) => {
      // An account that sees a part of the studies must be served by indexes, so that the cost depends on that part.
      if (isPartial) await transaction.execute(sql`set local enable_seqscan = off`);
      // The operator with index support takes its threshold from this setting only.
      if (search.fuzzy)
        await transaction.execute(
          sql`select set_config('pg_trgm.word_similarity_threshold', ${MIN_SIMILARITY}, true)`,
        );
      return transaction.execute(statement);
    });
  }
}
