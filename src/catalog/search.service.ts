import { Inject, Injectable } from '@nestjs/common';
import { type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import { type Policy, seesAll, toSql } from '../authz/policy.js';
import { DATABASE, type Database } from '../database/database.module.js';
import { Slots } from '../limits/slots.js';
import { CATALOG_ATTRIBUTES, type CatalogAttribute, type Level } from './search.attributes.js';
import { allMatch, type Filter } from './search.matching.js';
import { NEWEST_FIRST, type StudyOrder, studyOrderOf } from './study.order.js';
import { matchesWords } from './study.words.js';

/** A search: its level, filters and page. */
export interface Search {
  readonly level: Level;
  readonly filters: readonly Filter[];
  readonly limit: number;
  readonly offset: number;
  /** Whether similar names match (PS3.18 §8.3.4.2). */
  readonly fuzzy: boolean;
  /** Words that each study must match ({@link matchesWords}). */
  readonly words?: string;
  /** The order of studies. Without it, the newest study comes first. */
  readonly order?: StudyOrder | undefined;
}

/** What the studies of a count must match. */
export type StudyCondition = Pick<Search, 'filters' | 'words'>;

/** The number of studies that have a series of the modality. */
export interface ModalityCount {
  readonly modality: string;
  readonly studies: number;
}

/** The values of one search result (a study, series or instance), by tag. */
export type FoundItem = Readonly<Record<string, string | number | readonly string[] | null>>;

/** A page of matches. `total` is the number of all matches that the account may see. */
export interface SearchResult {
  readonly total: number;
  readonly items: readonly FoundItem[];
}

const Result = z.object({
  total: z.coerce.number(),
  items: z.array(z.record(z.string(), z.union([z.string(), z.number(), z.array(z.string()), z.null()]))),
});

const Counts = z.array(z.object({ modality: z.string(), studies: z.number() }));

/** Largest number of modalities in a count. PS3.3 C.7.3.1.1.1 defines fewer; files can contain others. */
const MAX_MODALITIES = 100;

/**
 * Maximum number of concurrent searches for all accounts, and for one account. Counting a large archive takes seconds, and all requests
 * share 16 connections.
 */
const CONCURRENT = 10;
const CONCURRENT_PER_ACCOUNT = 4;

/** Minimum word similarity of PostgreSQL's pg_trgm. `Yamda` and `Yamada` have a similarity of 0.5. */
const MIN_SIMILARITY = '0.45';

const STUDY_UID = '0020000D';

const DEPTH: Record<Level, number> = { study: 0, series: 1, instance: 2 };

/** The columns that identify and sort a match. All matches are counted and sorted, so these columns are few. */
const KEYS: Record<Level, SQL> = {
  study: sql`studies.id as study, studies.study_date, studies.study_time`,
  series: sql`studies.id as study, studies.study_date, studies.study_time, series.id as series, series.series_number`,
  instance: sql`studies.id as study, studies.study_date, studies.study_time, series.id as series, series.series_number,
    instances.id as instance, instances.instance_number`,
};

const ORDER: Record<Level, SQL> = {
  study: NEWEST_FIRST,
  series: sql`${NEWEST_FIRST}, series_number, series`,
  instance: sql`${NEWEST_FIRST}, series_number, series, instance_number, instance`,
};

const FROM: Record<Level, SQL> = {
  study: sql`studies join patients on patients.id = studies.patient`,
  series: sql`studies join patients on patients.id = studies.patient join series on series.study = studies.id`,
  instance: sql`studies join patients on patients.id = studies.patient join series on series.study = studies.id
    join instances on instances.series = series.id`,
};

/** Joins a page, which has only the columns of {@link KEYS}, with the tables that contain the other columns. */
const PAGE: Record<Level, SQL> = {
  study: sql`page join studies on studies.id = page.study join patients on patients.id = studies.patient`,
  series: sql`page join studies on studies.id = page.study join patients on patients.id = studies.patient
    join series on series.id = page.series`,
  instance: sql`page join studies on studies.id = page.study join patients on patients.id = studies.patient
    join series on series.id = page.series join instances on instances.id = page.instance`,
};

/** Returns the attributes of a level and of the levels above it. */
export function attributesAt(level: Level): readonly CatalogAttribute[] {
  return CATALOG_ATTRIBUTES.filter((attribute) => DEPTH[attribute.level] <= DEPTH[level]);
}

/**
 * Searches the catalog. One SQL statement checks the right and its scope, matches the filters, sorts, selects the page and counts all
 * matches (docs/decisions/0001).
 */
@Injectable()
export class Searches {
  private readonly slots = new Slots({ places: CONCURRENT, perAccount: CONCURRENT_PER_ACCOUNT });

  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * Returns a page of the matches that the account may read. The page needs no further filtering. `signal` ends the wait for a free slot.
   */
  run(policy: Policy, search: Search, signal?: AbortSignal): Promise<SearchResult> {
    return this.slots.run(() => this.query(policy, search), signal, policy.accountId);
  }

  /**
   * Counts the matching studies that the account may read, by modality, the most frequent first. A study with several modalities counts for
   * each of them. `signal` ends the wait for a free slot.
   */
  modalities(policy: Policy, condition: StudyCondition, signal?: AbortSignal): Promise<ModalityCount[]> {
    const { filters, words = '' } = condition;
    const conditions = conditionsOf(policy, { level: 'study', filters, words, fuzzy: false });
    const statement = sql`
      select modality, count(*)::int as studies from ${FROM.study}, unnest(studies.modalities) as modality
      where ${sql.join(conditions, sql` and `)} and modality <> ''
      group by modality order by studies desc, modality limit ${MAX_MODALITIES}`;
    const count = () => this.database.transaction((transaction) => transaction.execute(statement));
    return this.slots.run(async () => Counts.parse(await count()), signal, policy.accountId);
  }

  private async query(policy: Policy, search: Search): Promise<SearchResult> {
    const statement = isWholeList(policy, search) ? wholeList(search) : matchesOf(policy, search);
    return Result.parse((await this.execute(policy, search, statement))[0]);
  }

  /**
   * Runs a statement that may take long in a transaction. Otherwise the driver may send statements of other requests on the same connection,
   * and those statements would wait for this statement. The setting for fuzzy matching applies only to this transaction.
   */
  private async execute(policy: Policy, search: Search, statement: SQL): Promise<readonly unknown[]> {
    if (!search.fuzzy && (isWholeList(policy, search) || isInOneStudy(search)))
      return this.database.execute(statement);
    return this.database.transaction(async (transaction) => {
      // The operator `%>` uses the index. The operator takes its threshold only from this setting.
      if (search.fuzzy)
        await transaction.execute(
          sql`select set_config('pg_trgm.word_similarity_threshold', ${MIN_SIMILARITY}, true)`,
        );
      return transaction.execute(statement);
    });
  }
}

/** Whether the search lists all studies of the catalog, the newest first, for an account that may read all of them. */
function isWholeList(policy: Policy, { level, filters, words = '', order = '-date' }: Search): boolean {
  const isPlain = level === 'study' && filters.length === 0 && words === '' && order === '-date';
  return isPlain && seesAll(policy, 'studies:read');
}

/** Whether the search matches one Study Instance UID, so that the number of its rows is small. */
function isInOneStudy({ filters }: Search): boolean {
  return filters.some(({ attribute, match }) => attribute.tag === STUDY_UID && match.kind === 'value');
}

/** The statement for a page of all studies. It reads only this page, in the order of an index, and the kept number of studies. */
function wholeList({ level, limit, offset }: Search): SQL {
  const order = ORDER[level];
  return sql`
    with found as materialized (
      select ${KEYS[level]} from studies where studies.instance_count > 0 order by ${order} limit ${limit} offset ${offset}),
    page as materialized (select *, row_number() over (order by ${order}) as place from found),
    ${answered(level)}
    select (select sum(change) from visible_study_changes) as total, ${ITEMS} as items`;
}

/** The statement for a page of the matches. All matches are counted and sorted by their keys only. */
function matchesOf(policy: Policy, search: Search): SQL {
  const { level, limit, offset } = search;
  const conditions = conditionsOf(policy, search);
  const { value, order } =
    level === 'study' && search.order !== undefined
      ? studyOrderOf(search.order)
      : { value: undefined, order: ORDER[level] };
  const keys = value === undefined ? KEYS[level] : sql`${KEYS[level]}, ${value} as sort_value`;
  return sql`
    with found as materialized (
      select ${keys} from ${FROM[level]} where ${sql.join(conditions, sql` and `)}),
    sorted as (select * from found order by ${order} limit ${limit} offset ${offset}),
    page as materialized (select *, row_number() over (order by ${order}) as place from sorted),
    ${answered(level)}
    select (select count(*) from found) as total, ${ITEMS} as items`;
}

/** The conditions of a search: the right and its scope, the filters and the words. */
function conditionsOf(
  policy: Policy,
  { level, filters, words = '', fuzzy }: Pick<Search, 'level' | 'filters' | 'words' | 'fuzzy'>,
): SQL[] {
  return [
    toSql(policy, 'studies:read'),
    // A study or series that has only reservations is not visible yet.
    level === 'study' ? sql`studies.instance_count > 0` : sql`true`,
    level === 'series' ? sql`series.instance_count > 0` : sql`true`,
    ...allMatch(filters, fuzzy),
    ...matchesWords(words),
  ];
}

/** The common table expression with the attributes of the page. */
function answered(level: Level): SQL {
  const columns = attributesAt(level).map(({ tag, value }) => sql`${value} as ${sql.identifier(tag)}`);
  return sql`answered as (select ${sql.join(columns, sql`, `)}, page.place from ${PAGE[level]})`;
}

const ITEMS = sql`coalesce((select json_agg(to_jsonb(answered) - 'place' order by place) from answered), '[]')`;
