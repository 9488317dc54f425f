import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import connect from 'postgres';
import { z } from 'zod';
import { provideHapi } from '../infra/hapi/build.ts';
import { RecordsClient } from '../infra/demo/records.client.ts';
import { startGateway } from '../infra/local/gateway.ts';
import { type HapiDatabase, startHapi } from '../infra/local/hapi.ts';
import { cacheFolder } from '../infra/local/prefix.ts';
import type { Postgres } from '../infra/local/postgres.ts';
import { type Stoppable, startOnBase } from './bench.base.ts';

/** The database of HAPI. */
export type FhirDatabase = 'h2' | 'postgres';

/** A gateway in front of a FHIR server, with PostgreSQL and without an archive. */
export interface ImportStack extends Stoppable {
  fhir: string;
  fhirPid: number;
  gateway: string;
  gatewayPid: number;
  postgresPid: number;
  records: RecordsClient;
  /** Returns an access token of the administrator. */
  signIn: () => Promise<string>;
}

/** Starts a gateway in front of the real HAPI, or of a stub that stores nothing. `stop` ends all processes and removes the folder. */
export function startImportStack(
  kind: FhirDatabase | 'stub',
  log: (line: string) => void,
): Promise<ImportStack> {
  return startOnBase(async ({ data, ports, secrets, postgres, keep }) => {
    const fhir =
      kind === 'stub'
        ? await startStub(ports.hapi)
        : await startHapi({
            app: await provideHapi(cacheFolder(), log),
            dir: join(data, 'hapi'),
            port: ports.hapi,
            ...(kind === 'postgres' && { database: await makeDatabase(postgres) }),
          });
    keep(fhir);
    // No server listens on this port, because imports need no archive.
    const orthanc = { url: `http://127.0.0.1:${ports.orthanc}`, username: 'nobody' };
    const gateway = keep(
      await startGateway({ data, ports, postgres, orthanc, admin: 'admin', secrets, hapi: true }),
    );
    const account = { username: 'admin', password: secrets.adminPassword };
    const url = `http://127.0.0.1:${ports.gateway}`;
    return {
      fhir: `http://127.0.0.1:${ports.hapi}`,
      fhirPid: fhir.pid,
      gateway: url,
      gatewayPid: gateway.pid,
      postgresPid: postgres.pid,
      records: new RecordsClient(url, account),
      signIn: () => signIn(url, account),
    };
  });
}

/** Makes an empty database for HAPI beside the database of the gateway. */
async function makeDatabase({ adminUrl }: Postgres): Promise<HapiDatabase> {
  const sql = connect(adminUrl, { max: 1 });
  try {
    await sql`create database hapi`;
  } finally {
    await sql.end();
  }
  const { username, password, host } = new URL(adminUrl);
  return { url: `jdbc:postgresql://${host}/hapi`, user: username, password };
}

async function signIn(gateway: string, account: { username: string; password: string }): Promise<string> {
  const answer = await fetch(`${gateway}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(account),
  });
  return z.object({ access_token: z.string() }).parse(await answer.json()).access_token;
}

async function startStub(port: number): Promise<Stoppable & { pid: number }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'fhir.stub.ts'), `${port}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  for (
    let attempt = 1;
    !(await fetch(`http://127.0.0.1:${port}/counts`).catch(() => undefined))?.ok;
    attempt += 1
  ) {
    if (attempt === 100) throw new Error('the stub does not answer');
    await sleep(100);
  }
  if (child.pid === undefined) throw new Error('the stub did not start');
  return {
    pid: child.pid,
    stop: async () => {
      child.kill();
      await ended;
    },
  };
}

/** Returns the largest memory use (MiB) of a process during `work`. The memory use is read twenty times per second. */
export async function mostResident<T>(
  pid: number,
  work: Promise<T>,
): Promise<{ result: T; mebibytes: number }> {
  let most = 0;
  const over = new AbortController();
  const watching = (async () => {
    while (!over.signal.aborted) {
      const status = await readFile(`/proc/${pid}/status`, 'utf8');
      most = Math.max(most, Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024);
      await sleep(50);
    }
  })();
  try {
    const result = await work;
    return { result, mebibytes: most };
  } finally {
    over.abort();
    await watching;
  }
}
