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
  /** Of the process now running; another one after `restart`. */
  readonly pid: number;
  /** Ends it as a power cut would (SIGKILL) and resolves when it is gone. */
  kill: () => Promise<void>;
  /** Starts it again after `kill`, with the same archive, ports and account. */
  restart: () => Promise<void>;
  /** Keeps a copy of all it holds; it must not be running. */
  backUp: () => Promise<void>;
  /** Puts that copy in the place of what it holds; it must not be running. */
  putBack: () => Promise<void>;
  /** Ends it and removes its archive. */
  stop: () => Promise<void>;
};

/** A migrated database of its own for a test file, copied from the template; `drop` also closes what is still connected. */
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

/** A real Orthanc on free ports with an empty archive of its own, which `stop` removes. */
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
