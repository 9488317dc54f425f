import '../config/node.version.js';
import { readdir, readFile } from 'node:fs/promises';
import postgres from 'postgres';
import { z } from 'zod';
import { readSecretFiles } from '../config/secret.files.js';
import { AuditMonths } from '../config/env.js';
import { prepareQueues } from './queue.js';

/** The advisory lock of all migrating processes. If two processes start at the same time, one waits for the other. */
const MIGRATION_LOCK = 7_263_411;
/** Tables to which the gateway's role may only append. */
const APPEND_ONLY = ['audit', 'audit_seals'];
/** Tables that the gateway's role may only read. */
const READ_ONLY = ['migrations', 'audit_settings', 'audit_months'];
const MIGRATIONS = new URL('migrations/', import.meta.url);

type Log = (line: string) => void;

/**
 * Migrates the database to the newest schema, then grants the required privileges to the role in `appUrl`. This role can insert and read
 * audit rows, but not change or delete them. Takes an advisory lock and uses one transaction for each file. Can be repeated safely.
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
 * Reverts the newest migration with its `.down.sql` in one transaction. Throws if this file does not exist. The first migration and
 * migrations whose reversal would lose data have no such file.
 */
export async function migrateBack(ownerUrl: string, log: Log, folder = MIGRATIONS): Promise<void> {
  await withMigrationLock(ownerUrl, async (sql, done) => {
    const name = done.at(-1);
    if (name === undefined) throw new Error('There is no migration to revert.');
    const text = await readFile(new URL(name.replace(/\.sql$/, '.down.sql'), folder), 'utf8').catch(() => {
      throw new Error(`${name} cannot be reverted. Restore a backup instead.`);
    });
    await sql.begin(async (transaction) => {
      await transaction.unsafe(text);
      await transaction`delete from migrations where name = ${name}`;
    });
    log(`reverted ${name}`);
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

/** Revokes and grants privileges in one transaction. The role therefore never has more privileges than intended. */
async function grantTables(sql: postgres.TransactionSql, role: string): Promise<void> {
  const to = sql(role);
  await sql`grant usage on schema public to ${to}`;
  await sql`grant select, insert, update, delete on all tables in schema public to ${to}`;
  await sql`grant usage on all sequences in schema public to ${to}`;
  const existing = await sql<{ name: string }[]>`
    select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relname = any(${READ_ONLY})`;
  for (const { name } of existing) {
    await sql`revoke all on ${sql(name)} from ${to}`;
    await sql`grant select on ${sql(name)} to ${to}`;
  }
  const tables = await sql<{ name: string }[]>`
    select c.relname as name from pg_class c
    where c.relname = any(${APPEND_ONLY}) or exists (
      select from pg_inherits i join pg_class p on p.oid = i.inhparent
      where i.inhrelid = c.oid and p.relname = any(${APPEND_ONLY}))`;
  for (const { name } of tables) await sql`revoke update, delete, truncate on ${sql(name)} from ${to}`;
  const [retention] = await sql`select from pg_proc where proname = 'audit_keep'`;
  if (retention !== undefined) await sql`grant execute on function audit_keep() to ${to}`;
}

/** Sets for how many months audit rows are kept. The gateway's role can read but not change this setting. */
async function setAuditRetention(ownerUrl: string, months: number): Promise<void> {
  await withMigrationLock(ownerUrl, async (sql) => {
    await sql`update audit_settings set kept_months = ${months}`;
  });
}

/** Grants the gateway's role the use of pg-boss's tables. Only the owner of these tables can change their structure. */
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
const HELP = `npm run migrate             migrates the database to the newest schema; safe to repeat
npm run migrate -- --back   reverts the newest migration (stop the gateways and make a backup first)

Set DATABASE_OWNER_URL (the owner of the schema) and DATABASE_URL (the gateway's role); AUDIT_RETENTION_MONTHS sets
how long audit rows are kept (default: 72 months).
`;

const print = (line: string) => process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  const [option, ...more] = process.argv.slice(2);
  if (option === '--help' && more.length === 0) {
    process.stdout.write(HELP);
    return;
  }
  const urls = Urls.safeParse(readSecretFiles(process.env).variables);
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
