import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { provideHapi } from '../infra/hapi/build.ts';
import { RecordsClient } from '../infra/demo/records.client.ts';
import { startGateway } from '../infra/local/gateway.ts';
import { startHapi } from '../infra/local/hapi.ts';
import { cacheFolder } from '../infra/local/prefix.ts';
import { type Stoppable, startOnBase } from './bench.base.ts';

/** A gateway in front of a FHIR server, with PostgreSQL and without an archive. */
export interface ImportStack extends Stoppable {
  fhir: string;
  gatewayPid: number;
  records: RecordsClient;
}

/** Starts a gateway in front of the real HAPI, or of a stub that stores nothing. `stop` ends all processes and removes the folder. */
export function startImportStack(kind: 'hapi' | 'stub', log: (line: string) => void): Promise<ImportStack> {
  return startOnBase(async ({ data, ports, secrets, postgres, keep }) => {
    if (kind === 'stub') keep(await startStub(ports.hapi));
    else {
      const app = await provideHapi(cacheFolder(), log);
      keep(await startHapi({ app, dir: join(data, 'hapi'), port: ports.hapi }));
    }
    // No server listens on this port, because imports need no archive.
    const orthanc = { url: `http://127.0.0.1:${ports.orthanc}`, username: 'nobody' };
    const gateway = keep(
      await startGateway({ data, ports, postgres, orthanc, admin: 'admin', secrets, hapi: true }),
    );
    const account = { username: 'admin', password: secrets.adminPassword };
    return {
      fhir: `http://127.0.0.1:${ports.hapi}`,
      gatewayPid: gateway.pid,
      records: new RecordsClient(`http://127.0.0.1:${ports.gateway}`, account),
    };
  });
}

async function startStub(port: number): Promise<Stoppable> {
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
  return {
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
