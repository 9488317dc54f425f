import type postgres from 'postgres';
import { chainHash, LATE_SECONDS, SEALED_LATE } from './seal.chain.js';
import type { AuditKey } from './unsealed.rows.js';

/** The advisory lock of sealing. Only one gateway at a time seals the rows of a database. */
const SEALER_LOCK = 7_263_413;

interface Row extends AuditKey {
  readonly xact: string;
  readonly text: string;
}

/** The number of rows that were sealed late, and the times of the oldest and the newest of these rows. */
export interface LateRows {
  readonly rows: number;
  readonly from: string;
  readonly to: string;
}

/** The result of a batch. `end` is the last seal, or `undefined` if other gateways had already sealed all rows. */
export interface SealedBatch {
  readonly end: { readonly position: string; readonly hash: Buffer } | undefined;
  readonly late: LateRows | undefined;
}

/**
 * Seals these rows in one transaction. Returns `undefined` if another gateway is sealing. Late rows, which waited longer than a minute, are
 * sealed first. A new audit row records the number and the time range of the late rows, and is sealed next. The other rows follow.
 */
export function sealBatch(sql: postgres.Sql, keys: readonly AuditKey[]): Promise<SealedBatch | undefined> {
  return sql.begin(async (tx) => {
    const [lock] = await tx<{ held: boolean }[]>`select pg_try_advisory_xact_lock(${SEALER_LOCK}) as held`;
    if (lock?.held !== true) return undefined;
    // The text of a row must not depend on the time zone of the session.
    await tx`set local timezone to 'UTC'`;
    const [last] = await tx<{ hash: Buffer }[]>`
      select hash from audit_seals order by position desc limit 1`;
    const rows = await tx<(Row & { late: boolean })[]>`
      select audit.id::text as id, audit.at::text as at, xact::text as xact, to_jsonb(audit)::text as text,
        audit.at < now() - make_interval(secs => ${LATE_SECONDS}) as late
      from unnest(${keys.map(({ id }) => id)}::bigint[], ${keys.map(({ at }) => at)}::text[]::timestamptz[]) as wanted (id, at)
      join audit on audit.at = wanted.at and audit.id = wanted.id
      where (select true from audit_seals where audit_id = audit.id and audit_at = audit.at) is null
      order by late desc, audit.at, audit.id`;
    const chain = new Chain(tx, last?.hash ?? Buffer.alloc(0));
    const late = await sealLate(
      tx,
      chain,
      rows.filter((row) => row.late),
    );
    await chain.append(rows.filter((row) => !row.late));
    return { end: chain.end, late };
  });
}

/** The chain of seals. New seals are added at its end. */
class Chain {
  end: { position: string; hash: Buffer } | undefined;

  constructor(
    private readonly tx: postgres.TransactionSql,
    private hash: Buffer,
  ) {}

  /** Seals the rows in the given order. Returns the position of the first new seal, or `undefined` if there are no rows. */
  async append(rows: readonly Row[]): Promise<string | undefined> {
    if (rows.length === 0) return undefined;
    const hashes = rows.map(({ text }) => {
      this.hash = chainHash(this.hash, text);
      return this.hash.toString('hex');
    });
    const made = await this.tx<{ position: string }[]>`
      insert into audit_seals (audit_id, audit_xact, audit_at, hash)
      select id, xact, at, decode(hash, 'hex')
      from unnest(${rows.map(({ id }) => id)}::bigint[], ${rows.map(({ xact }) => xact)}::xid8[],
        ${rows.map(({ at }) => at)}::text[]::timestamptz[], ${hashes}::text[])
        with ordinality as sealed (id, xact, at, hash, place)
      order by place returning position::text`;
    this.end = { position: made.at(-1)?.position ?? '', hash: this.hash };
    return made[0]?.position;
  }
}

async function sealLate(
  tx: postgres.TransactionSql,
  chain: Chain,
  rows: readonly Row[],
): Promise<LateRows | undefined> {
  const first = await chain.append(rows);
  const [oldest, newest] = [rows[0], rows.at(-1)];
  if (first === undefined || oldest === undefined || newest === undefined) return undefined;
  const late = { rows: rows.length, from: oldest.at, to: newest.at };
  const detail = { ...late, first_seal: first, last_seal: chain.end?.position ?? first };
  const noted = await tx<Row[]>`
    insert into audit (kind, address, action, detail)
    values ('sealing', 'radgate', ${SEALED_LATE}, ${JSON.stringify(detail)}::text::jsonb)
    returning id::text as id, at::text as at, xact::text as xact, to_jsonb(audit)::text as text`;
  await chain.append(noted);
  return late;
}
