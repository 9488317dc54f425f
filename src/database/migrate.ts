import '../config/node.version.js';
import { readdir, readFile } from 'node:fs/promises';
import postgres from 'postgres';
import { z } from 'zod';
import { AuditMonths } from '../config/env.js';
import { prepareQueues } from './queue.js';

/** One key for every process that migrates, so that two starts at once wait for each other. */
const MIGRATION_LOCK = 7_263_411;
/** Tables the gateway's role may only append to. */
const APPEND_ONLY = ['audit', 'audit_seals'];
/** Tables it may only read. */
const READ_ONLY = ['migrations', 'audit_settings', 'audit_months'];
const MIGRATIONS = new URL('migrations/', import.meta.url);

type Log = (line: string) => void;

/**
 * Brings the database to the newest schema, one transaction a file, under an advisory lock; safe to repeat.
 * Then gives the role named in `appUrl` what it needs and no more: rows of the audit can be added and read only.
 */
export async function migrate(
  ownerUrl: string,
  appUrl: string,
  log: Log,
  folder = MIGRATIONS,
): Promise<void> {
  await withMigrationLock(ownerUrl, async (sql, done) => {
    for (const name of await filesOf(folder)) {
      if (done.includes(name)) continue;
      const text = await readFile(new URL(name, folder), 'utf8');
      await sql.begin(async (transaction) => {
        await transaction.unsafe(text);
        await transaction`insert into migrations (name) values (${name})`;
      });
      log(`migrated ${name}`);
    }
    const role = decodeURIComponent(new URL(appUrl).username);
    await sql.begin((transaction) => grantTables(transaction, role));
    await grantQueue(sql, role, await prepareQueues(ownerUrl));
  });
}

/**
 * Takes the newest migration back, by its `.down.sql`, in one transaction. Throws when it has none: the first cannot be taken back,
 * nor can what would lose rows that are no longer anywhere else.
 */
export async function migrateBack(ownerUrl: string, log: Log, folder = MIGRATIONS): Promise<void> {
  await withMigrationLock(ownerUrl, async (sql, done) => {
    const name = done.at(-1);
    if (name === undefined) throw new Error('There is no migration to take back.');
    const text = await readFile(new URL(name.replace(/\.sql$/, '.down.sql'), folder), 'utf8').catch(() => {
      throw new Error(`${name} cannot be taken back: restore a backup instead.`);
    });
    await sql.begin(async (transaction) => {
      await transaction.unsafe(text);
      await transaction`delete from migrations where name = ${name}`;
    });
    log(`took back ${name}`);
  });
}

async function withMigrationLock(
  ownerUrl: string,
  work: (sql: postgres.Sql, done: readonly string[]) => Promise<void>,
): Promise<void> {
  const sql = postgres(ownerUrl, { max: 1, onnotice: () => undefined });
  try {
    await sql`select pg_advisory_lock(${MIGRATION_LOCK})`;
    await sql`create table if not exists migrations (name text primary key, at timestamptz not null default now())`;
    const done = await sql<{ name: string }[]>`select name from migrations order by name`;
    await work(
      sql,
      done.map((row) => row.name),
    );
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function filesOf(folder: URL): Promise<string[]> {
  const names = await readdir(folder);
  return names.filter((name) => name.endsWith('.sql') && !name.endsWith('.down.sql')).sort();
}

/** In one transaction: there is no moment at which the role has more. */
async function grantTables(sql: postgres.TransactionSql, role: string): Promise<void> {
  const to = sql(role);
  await sql`grant usage on schema public to ${to}`;
  await sql`grant select, insert, update, delete on all tables in schema public to ${to}`;
  await sql`grant usage on all sequences in schema public to ${to}`;
  const there = await sql<{ name: string }[]>`
    select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relname = any(${READ_ONLY})`;
  for (const { name } of there) {
    await sql`revoke all on ${sql(name)} from ${to}`;
    await sql`grant select on ${sql(name)} to ${to}`;
  }
  const tables = await sql<{ name: string }[]>`
    select c.relname as name from pg_class c
    where c.relname = any(${APPEND_ONLY}) or exists (
      select from pg_inherits i join pg_class p on p.oid = i.inhparent
      where i.inhrelid = c.oid and p.relname = any(${APPEND_ONLY}))`;
  for (const { name } of tables) await sql`revoke update, delete, truncate on ${sql(name)} from ${to}`;
  const [keeping] = await sql`select from pg_proc where proname = 'audit_keep'`;
  if (keeping !== undefined) await sql`grant execute on function audit_keep() to ${to}`;
}

/** Says how many months of the audit are kept: the owner's decision, which the gateway's role can read and not change. */
async function setAuditRetention(ownerUrl: string, months: number): Promise<void> {
  await withMigrationLock(ownerUrl, async (sql) => {
    await sql`update audit_settings set kept_months = ${months}`;
  });
}

/** pg-boss's own tables: used by the gateway's role, changed in shape by their owner alone. */
async function grantQueue(sql: postgres.Sql, role: string, schema: string): Promise<void> {
  const to = sql(role);
  const of = sql(schema);
  await sql`grant usage on schema ${of} to ${to}`;
  await sql`grant select, insert, update, delete on all tables in schema ${of} to ${to}`;
  await sql`grant usage on all sequences in schema ${of} to ${to}`;
  await sql`grant execute on all functions in schema ${of} to ${to}`;
}

const Urls = z.object({
  DATABASE_OWNER_URL: z.url(),
  DATABASE_URL: z.url(),
  AUDIT_RETENTION_MONTHS: AuditMonths,
});
const HELP = `npm run migrate             brings the database to the newest schema; safe to repeat
npm run migrate -- --back   takes the newest migration back (stop the gateways and make a backup first)

Set DATABASE_OWNER_URL (the owner of the schema) and DATABASE_URL (the gateway's role); AUDIT_RETENTION_MONTHS says how
long rows of the audit are kept (72 months unless told).
`;

const print = (line: string) => process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  const [option, ...more] = process.argv.slice(2);
  if (option === '--help' && more.length === 0) {
    process.stdout.write(HELP);
    return;
  }
  const urls = Urls.safeParse(process.env);
  if (!urls.success || more.length > 0 || (option !== undefined && option !== '--back')) {
    process.stderr.write(HELP);
    process.exitCode = 2;
    return;
  }
  if (option === '--back') await migrateBack(urls.data.DATABASE_OWNER_URL, print);
  else {
    await migrate(urls.data.DATABASE_OWNER_URL, urls.data.DATABASE_URL, print);
    await setAuditRetention(urls.data.DATABASE_OWNER_URL, urls.data.AUDIT_RETENTION_MONTHS);
  }
}

if (import.meta.main) await main();
