import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { inject } from 'vitest';
import { freePort, type Running } from '../../infra/local/launch.ts';
import { startOrthanc } from '../../infra/local/orthanc.ts';
import { openPrefix } from '../../infra/local/prefix.ts';

export type TestDatabase = { appUrl: string; ownerUrl: string; drop: () => Promise<void> };

export type TestOrthanc = Running & {
  url: string;
  username: string;
  password: string;
  dicomPort: number;
  aet: string;
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
  const httpPort = await freePort();
  const dicomPort = await freePort(0, new Set([httpPort]));
  const account = { username: 'gateway', password: randomBytes(12).toString('hex'), aet: 'TESTAET' };
  const prefix = openPrefix(inject('prefix'));
  const clean = () => rm(dir, { recursive: true, force: true });
  try {
    const orthanc = await startOrthanc({ prefix, dir, httpPort, dicomPort, ...account });
    const stop = async () => {
      await orthanc.stop();
      await clean();
    };
    return { ...orthanc, ...account, dicomPort, stop };
  } catch (error) {
    await clean();
    throw error;
  }
}

async function administer(url: string, work: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(url, { max: 1 });
  try {
    await work(sql);
  } finally {
    await sql.end();
  }
}
