import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import postgres from 'postgres';
import type { TestProject } from 'vitest/node';
import { reserveAnyPort } from '../../infra/local/port.ts';
import { prepareMachine } from '../../infra/local/machine.ts';
import { startPostgres, type Postgres } from '../../infra/local/postgres.ts';
import { cacheFolder, providePrefix } from '../../infra/local/prefix.ts';
import { openHapiStarter, type HapiStarter } from './hapi.starter.ts';

const execute = promisify(execFile);
const migrate = join(import.meta.dirname, '../../dist/database/migrate.js');

declare module 'vitest' {
  export interface ProvidedContext {
    /** URLs of the shared test PostgreSQL. `template` is the name of its migrated, empty database. */
    postgres: { adminUrl: string; ownerUrl: string; appUrl: string; template: string };
    /** The folder with Orthanc, nginx and DCMTK. */
    prefix: string;
    /** A URL that starts HAPI at the first GET and returns HAPI's URL. */
    hapiStarter: string;
    /** The file that lists all requests to an archive outside the grammar of src/orthanc. */
    upstreamFaults: string;
  }
}

const log = (line: string) => process.stderr.write(`${line}\n`);

/** Runs once: starts one PostgreSQL with a migrated template database and installs the prefix. Stops everything at the end. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (!existsSync(migrate)) throw new Error('dist/ is missing: run `npx nest build` first (`npm test` does)');
  await prepareMachine(log);
  const dir = await mkdtemp(join(tmpdir(), 'radgate-test-'));
  const upstreamFaults = join(dir, 'upstream.faults');
  project.provide('upstreamFaults', upstreamFaults);
  let server: Postgres | undefined;
  let starter: HapiStarter | undefined;
  const teardown = async () => {
    await starter?.stop();
    await server?.stop();
    const faults = await readFile(upstreamFaults, 'utf8').catch(() => '');
    await rm(dir, { recursive: true, force: true });
    if (faults !== '') throw new Error(`asked of an archive during this run:\n${faults}`);
  };
  try {
    server = await startPostgres({ dir, port: await reserveAnyPort(), durable: false });
    const { adminUrl, ownerUrl, appUrl } = server;
    const template = 'radgate_template';
    await makeTemplate(server, template);
    const prefix = await providePrefix(cacheFolder(), log);
    project.provide('postgres', { adminUrl, ownerUrl, appUrl, template });
    project.provide('prefix', prefix.folder);
    starter = await openHapiStarter(log);
    project.provide('hapiStarter', starter.url);
  } catch (error) {
    await teardown();
    throw error;
  }
  return teardown;
}

async function makeTemplate(server: Postgres, template: string): Promise<void> {
  const sql = postgres(server.adminUrl, { max: 1 });
  try {
    await sql`create database ${sql(template)} owner radgate_owner`;
  } finally {
    await sql.end();
  }
  const named = (url: string) => Object.assign(new URL(url), { pathname: template }).href;
  const env = {
    PATH: process.env['PATH'],
    DATABASE_URL: named(server.appUrl),
    DATABASE_OWNER_URL: named(server.ownerUrl),
  };
  await execute(process.execPath, [migrate], { env });
}
