import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { z } from 'zod';

/** One key for every process that migrates, so that two starts at once wait for each other. */
const MIGRATION_LOCK = 7_263_411;
/** Tables the gateway's role may only append to. */
const APPEND_ONLY = ['audit', 'audit_seals'];

const folder = new URL('migrations/', import.meta.url);

/**
 * Brings the database to the newest schema, one transaction a file, under an advisory lock; safe to repeat.
 * Then gives the role named in `appUrl` what it needs and no more: rows of the audit can be added and read only.
 */
export async function migrate(ownerUrl: string, appUrl: string, log: (line: string) => void): Promise<void> {
  const sql = postgres(ownerUrl, { max: 1, onnotice: () => undefined });
  try {
    await sql`select pg_advisory_lock(${MIGRATION_LOCK})`;
    await sql`create table if not exists migrations (name text primary key, at timestamptz not null default now())`;
    const done = new Set((await sql<{ name: string }[]>`select name from migrations`).map((row) => row.name));
    const files = (await readdir(folder)).filter(
      (name) => name.endsWith('.sql') && !name.endsWith('.down.sql'),
    );
    for (const name of files.sort()) {
      if (done.has(name)) continue;
      const text = await readFile(new URL(name, folder), 'utf8');
      await sql.begin(async (transaction) => {
        await transaction.unsafe(text);
        await transaction`insert into migrations (name) values (${name})`;
      });
      log(`migrated ${name}`);
    }
    await giveRights(sql, decodeURIComponent(new URL(appUrl).username));
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function giveRights(sql: postgres.Sql, role: string): Promise<void> {
  const to = sql(role);
  await sql`grant usage on schema public to ${to}`;
  await sql`grant select, insert, update, delete on all tables in schema public to ${to}`;
  await sql`grant usage on all sequences in schema public to ${to}`;
  await sql`revoke all on migrations from ${to}`;
  await sql`grant select on migrations to ${to}`;
  const tables = await sql<{ name: string }[]>`
    select c.relname as name from pg_class c
    where c.relname = any(${APPEND_ONLY}) or exists (
      select from pg_inherits i join pg_class p on p.oid = i.inhparent
      where i.inhrelid = c.oid and p.relname = any(${APPEND_ONLY}))`;
  for (const { name } of tables) await sql`revoke update, delete, truncate on ${sql(name)} from ${to}`;
}

const Urls = z.object({ DATABASE_OWNER_URL: z.url(), DATABASE_URL: z.url() });

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const urls = Urls.safeParse(process.env);
  if (urls.success) {
    await migrate(urls.data.DATABASE_OWNER_URL, urls.data.DATABASE_URL, (line) =>
      process.stdout.write(`${line}\n`),
    );
  } else {
    process.stderr.write(
      "Set DATABASE_OWNER_URL (the owner of the schema) and DATABASE_URL (the gateway's role).\n",
    );
    process.exitCode = 2;
  }
}
