import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { reserveAnyPort } from '../../infra/local/port.ts';
import { prepareMachine } from '../../infra/local/machine.ts';
import { startPostgres, type Postgres } from '../../infra/local/postgres.ts';
import { cacheFolder, providePrefix } from '../../infra/local/prefix.ts';
import { type ArchivePool, openArchivePool } from './archive.pool.ts';
import { bundleGateway } from './gateway.bundle.ts';
import { openHapiStarter, type HapiStarter } from './hapi.starter.ts';
import { makeTemplates, type Templates } from './templates.ts';

const main = join(import.meta.dirname, '../../dist/main.js');

declare module 'vitest' {
  export interface ProvidedContext {
    /** URLs of the one test PostgreSQL, and the databases that test files get copies of. */
    postgres: { adminUrl: string; ownerUrl: string; appUrl: string; templates: Templates };
    /** Folder of the prefix that holds Orthanc, nginx and DCMTK. */
    prefix: string;
    /** Address of the shared Orthancs (archive.pool.ts). */
    archivePool: string;
    /** Address that starts HAPI at the first GET and answers with HAPI's own. */
    hapiStarter: string;
    /** The file that lists all requests to an archive outside the grammar of src/orthanc. */
    upstreamFaults: string;
  }
}

/** `vitest run` without the name of a file. */
const isWholeRun = process.argv.slice(3).every((argument) => argument.startsWith('-'));

const log = (line: string) => process.stderr.write(`${line}\n`);

/** Once per run: one PostgreSQL with its templates, the prefix and the pool of Orthancs. All are stopped at the end. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (!existsSync(main)) throw new Error('dist/ is missing: run `npx nest build` first (`npm test` does)');
  await prepareMachine(log);
  const dir = await mkdtemp(join(tmpdir(), 'radgate-test-'));
  const upstreamFaults = join(dir, 'upstream.faults');
  project.provide('upstreamFaults', upstreamFaults);
  let server: Postgres | undefined;
  let starter: HapiStarter | undefined;
  let archives: ArchivePool | undefined;
  const teardown = async () => {
    await starter?.stop();
    await archives?.stop();
    await server?.stop();
    const faults = await readFile(upstreamFaults, 'utf8').catch(() => '');
    await rm(dir, { recursive: true, force: true });
    if (faults !== '') throw new Error(`asked of an archive during this run:\n${faults}`);
  };
  try {
    server = await startPostgres({ dir, port: await reserveAnyPort(), durable: false });
    const { adminUrl, ownerUrl, appUrl } = server;
    await bundleGateway();
    const templates = await makeTemplates(server, dir);
    const prefix = await providePrefix(cacheFolder(), log);
    project.provide('postgres', { adminUrl, ownerUrl, appUrl, templates });
    project.provide('prefix', prefix.folder);
    archives = await openArchivePool(prefix);
    project.provide('archivePool', archives.url);
    starter = await openHapiStarter(log);
    project.provide('hapiStarter', starter.url);
    // Half a minute before the first file that needs it.
    if (isWholeRun) void fetch(starter.url).catch(() => undefined);
  } catch (error) {
    await teardown();
    throw error;
  }
  return teardown;
}
