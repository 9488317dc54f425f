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
import { startOwnHapi, startWholeStack, waitForHapiOf } from './slow.services.ts';
import { openStarter, type Starter } from './starter.ts';
import { makeTemplates, type Templates } from './templates.ts';

const main = join(import.meta.dirname, '../../dist/main.js');

declare module 'vitest' {
  export interface ProvidedContext {
    /**
     * URLs of the PostgreSQL server of this test run, and the names of the template databases. Each test file gets a copy of a template.
     */
    postgres: { adminUrl: string; ownerUrl: string; appUrl: string; templates: Templates };
    /** The folder in which Orthanc, nginx and DCMTK are installed. */
    prefix: string;
    /** URL of the pool of shared Orthancs (archive.pool.ts). */
    archivePool: string;
    /** A URL whose first GET starts HAPI. The response contains the URL of HAPI. */
    hapiStarter: string;
    /**
     * A URL whose GET returns the path of the stack.json of the stack that all test files share. Undefined for a run of single files and
     * for `npm run test:long`: in these runs, a test file starts its own stack.
     */
    stackStarter: string | undefined;
    /** The file that lists all requests to an archive that upstream.grammar.ts does not permit. */
    upstreamFaults: string;
  }
}

/** True for `vitest run` without file names. */
const isWholeRun = process.argv.slice(3).every((argument) => argument.startsWith('-'));

const log = (line: string) => process.stderr.write(`${line}\n`);

/**
 * Runs once per test run. Starts PostgreSQL with the template databases, the pool of Orthancs and the HAPI starter. Returns a function that
 * stops them.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (!existsSync(main)) throw new Error('dist/ is missing: run `npm run build` first (`npm test` does)');
  await prepareMachine(log);
  const dir = await mkdtemp(join(tmpdir(), 'radgate-test-'));
  const upstreamFaults = join(dir, 'upstream.faults');
  project.provide('upstreamFaults', upstreamFaults);
  let server: Postgres | undefined;
  let stack: Starter | undefined;
  let hapi: Starter | undefined;
  let archives: ArchivePool | undefined;
  const teardown = async () => {
    await stack?.stop();
    await hapi?.stop();
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
    const isShared = isWholeRun && project.config.env?.['RADGATE_LONG'] === undefined;
    const shared = isShared ? await openStarter(startWholeStack) : undefined;
    stack = shared;
    project.provide('stackStarter', shared?.url);
    // The HAPI of the shared stack is enough for the whole run.
    hapi = await openStarter(async () =>
      shared === undefined ? startOwnHapi(log) : waitForHapiOf(await shared.ask()),
    );
    project.provide('hapiStarter', hapi.url);
    // HAPI needs half a minute, so it is started before the first test file needs it.
    if (isWholeRun) void hapi.ask().catch(() => undefined);
  } catch (error) {
    await teardown();
    throw error;
  }
  return teardown;
}
