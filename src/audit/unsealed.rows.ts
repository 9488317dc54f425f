import type postgres from 'postgres';

/** The key of an audit row. Both values are texts from PostgreSQL. A JavaScript Date has no microseconds and cannot represent `at`. */
export interface AuditKey {
  readonly at: string;
  readonly id: string;
}

/**
 * The position of a search for new rows. A row is new if its transaction is not yet visible in `snapshot`. The search continues after the
 * row with this transaction id and row id.
 */
export interface NewRowsCursor {
  readonly snapshot: string;
  readonly xact: string;
  readonly id: string;
}

/** The rows without a seal in one part of the audit. `next` is the position of the next part, or `undefined` after the last part. */
export interface Found<Cursor> {
  readonly unsealed: readonly AuditKey[];
  /** Age in seconds of the oldest of these rows, or 0 if there are no rows. The age is measured with PostgreSQL's clock. */
  readonly oldestSeconds: number;
  readonly next: Cursor | undefined;
}

interface SearchedPart {
  readonly looked: number;
  readonly ids: string[];
  readonly ats: string[];
  readonly oldest: number;
}

/** A position before the newest row. A search from here begins with the newest row. */
export const NEWEST: AuditKey = { at: 'infinity', id: '9223372036854775807' };

/** Returns a cursor for the current time. Every row that is committed after this call is new for the cursor. */
export async function cursorFromNow(sql: postgres.Sql): Promise<NewRowsCursor> {
  const [now] = await sql<{ snapshot: string; xact: string }[]>`
    select s::text as snapshot, pg_snapshot_xmax(s)::text as xact from pg_current_snapshot() s`;
  if (now === undefined) throw new Error('PostgreSQL returned no snapshot.');
  return { ...now, id: '0' };
}

/**
 * Finds rows that became visible after the cursor's snapshot and have no seal. Reads at most `limit` rows of transactions that began after
 * the snapshot. Also reads the rows of transactions that were open at that time, because the snapshot lists these transactions.
 */
export async function findNewRows(
  sql: postgres.Sql,
  { snapshot, xact, id }: NewRowsCursor,
  limit: number,
): Promise<Found<NewRowsCursor>> {
  // The query uses materialized CTEs and looks up the seal of each row. With a join, PostgreSQL would read all seals.
  const [found] = await sql<(SearchedPart & { xact: string | null; id: string | null })[]>`
    with newer as materialized (
      select xact, id, at from audit where (xact, id) > (${xact}::xid8, ${id}::bigint)
      order by xact, id limit ${limit}),
    arrived as materialized (
      select id, at from newer
      union all
      select audit.id, audit.at from pg_snapshot_xip(${snapshot}::pg_snapshot) as open (xact)
      join audit on audit.xact = open.xact where ${id}::bigint = 0),
    unsealed as materialized (
      select id, at from arrived where (
        select true from audit_seals where audit_id = arrived.id and audit_at = arrived.at) is null)
    select (select count(*)::int from newer) as looked, array(select id::text from unsealed) as ids,
      array(select at::text from unsealed) as ats,
      (select coalesce(extract(epoch from clock_timestamp() - min(at)), 0)::float8 from unsealed) as oldest,
      last.xact::text as xact, last.id::text as id
    from (select 1) one left join lateral (select xact, id from newer order by xact desc, id desc limit 1) last on true`;
  const isLast = found === undefined || found.looked < limit || found.xact === null || found.id === null;
  return {
    ...unsealedOf(found),
    next: isLast ? undefined : { snapshot, xact: found.xact ?? '', id: found.id ?? '' },
  };
}

/**
 * Reads the newest `limit` rows that are older than `before`, and returns those without a seal. Does not use transaction ids. If each call
 * begins at `next` of the previous call, the calls read every row.
 */
export async function findInHistory(
  sql: postgres.Sql,
  before: AuditKey,
  limit: number,
): Promise<Found<AuditKey>> {
  const [found] = await sql<(SearchedPart & { at: string | null; id: string | null })[]>`
    with slice as materialized (
      select at, id from audit
      where at <= ${before.at}::text::timestamptz and (at, id) < (${before.at}::text::timestamptz, ${before.id}::bigint)
      order by at desc, id desc limit ${limit}),
    unsealed as materialized (
      select id, at from slice where (
        select true from audit_seals where audit_id = slice.id and audit_at = slice.at) is null)
    select (select count(*)::int from slice) as looked, array(select id::text from unsealed) as ids,
      array(select at::text from unsealed) as ats,
      (select coalesce(extract(epoch from clock_timestamp() - min(at)), 0)::float8 from unsealed) as oldest,
      oldest.at::text as at, oldest.id::text as id
    from (select 1) one left join lateral (select at, id from slice order by at, id limit 1) oldest on true`;
  const isLast = found === undefined || found.looked < limit || found.at === null || found.id === null;
  return { ...unsealedOf(found), next: isLast ? undefined : { at: found.at ?? '', id: found.id ?? '' } };
}

function unsealedOf(found: SearchedPart | undefined): Omit<Found<never>, 'next'> {
  if (found === undefined) return { unsealed: [], oldestSeconds: 0 };
  const { ids, ats, oldest } = found;
  return { unsealed: ids.map((id, index) => ({ id, at: ats[index] ?? '' })), oldestSeconds: oldest };
}
