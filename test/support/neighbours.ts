import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { inject } from 'vitest';
import { startOrthanc } from '../../infra/local/orthanc.ts';
import { reserveAnyPort } from '../../infra/local/port.ts';
import { openPrefix } from '../../infra/local/prefix.ts';

export type TestDatabase = { appUrl: string; ownerUrl: string; drop: () => Promise<void> };

export type TestOrthanc = {
  url: string;
  username: string;
  password: string;
  dicomPort: number;
  aet: string;
  /** The id of the running process. It changes after `restart`. */
  readonly pid: number;
  /** Kills the process with SIGKILL, like a power cut. Resolves when it has ended. */
  kill: () => Promise<void>;
  /** Starts the archive again after `kill`, with the same files, ports and account. */
  restart: () => Promise<void>;
  /** Copies the archive's files. The archive must not be running. */
  backUp: () => Promise<void>;
  /** Restores the copy. The archive must not be running. */
  putBack: () => Promise<void>;
  /** Stops the archive and removes its files. */
  stop: () => Promise<void>;
};

/** A new migrated database for a test file, copied from the template. `drop` also closes open connections. */
export async function createDatabase(): Promise<TestDatabase> {
  const { adminUrl, appUrl, ownerUrl, template } = inject('postgres');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await administer(
    adminUrl,
    (sql) => sql`create database ${sql(name)} template ${sql(template)} owner radgate_owner`,
  );
  const named = (url: string) => Object.assign(new URL(url), { pathname: name }).href;
  const drop = () => administer(adminUrl, (sql) => sql`drop database if exists ${sql(name)} with (force)`);
  return { appUrl: named(appUrl), ownerUrl: named(ownerUrl), drop };
}

/** A real Orthanc on free ports with an empty archive, which `stop` removes. */
export async function startTestOrthanc(): Promise<TestOrthanc> {
  const dir = await mkdtemp(join(tmpdir(), 'radgate-orthanc-'));
  const httpPort = await reserveAnyPort();
  const dicomPort = await reserveAnyPort();
  const account = { username: 'gateway', password: randomBytes(12).toString('hex'), aet: 'TESTAET' };
  const prefix = openPrefix(inject('prefix'));
  const start = () => startOrthanc({ prefix, dir, httpPort, dicomPort, ...account });
  const backup = `${dir}.backup`;
  const clean = async () => {
    for (const folder of [dir, backup]) await rm(folder, { recursive: true, force: true });
  };
  let running = await start().catch(async (error: unknown) => {
    await clean();
    throw error;
  });
  const kill = async () => {
    running.kill();
    await running.exited;
  };
  return {
    ...account,
    url: running.url,
    dicomPort,
    get pid() {
      return running.pid;
    },
    kill,
    restart: async () => {
      running = await start();
    },
    backUp: () => replace(backup, dir),
    putBack: () => replace(dir, backup),
    stop: async () => {
      await kill();
      await clean();
    },
  };
}

async function replace(to: string, from: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await cp(from, to, { recursive: true });
}

async function administer(url: string, work: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(url, { max: 1 });
  try {
    await work(sql);
  } finally {
    await sql.end();
  }
}
