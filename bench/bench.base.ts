import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../infra/local/gateway.ts';
import { reserveAnyPort } from '../infra/local/port.ts';
import { startPostgres, type Postgres } from '../infra/local/postgres.ts';
import { keptSecrets, type Secrets } from '../infra/local/secrets.ts';

export type Stoppable = { stop: () => Promise<void> };

/** The base of every measured stack: a folder, free ports, secrets, and PostgreSQL with the newest schema. */
export interface Base {
  data: string;
  ports: Awaited<ReturnType<typeof freePorts>>;
  secrets: Secrets;
  postgres: Postgres;
  /** Registers a process to stop with the stack. The last one started is stopped first. */
  keep: <One extends Stoppable>(one: One) => One;
}

/** Starts a stack on a base of its own; `stop` ends all of it and removes its folder. */
export async function startOnBase<Stack>(start: (base: Base) => Promise<Stack>): Promise<Stack & Stoppable> {
  const data = await mkdtemp(join(tmpdir(), 'radgate-bench-'));
  const running: Stoppable[] = [];
  const keep = <One extends Stoppable>(one: One) => {
    running.push(one);
    return one;
  };
  const stop = async () => {
    for (const one of running.reverse()) await one.stop();
    await rm(data, { recursive: true, force: true });
  };
  try {
    await mkdir(join(data, 'logs'));
    const secrets = await keptSecrets(data);
    const ports = await freePorts();
    const postgres = keep(await startPostgres({ dir: join(data, 'postgres'), port: ports.postgres }));
    await migrate(postgres);
    return { ...(await start({ data, ports, secrets, postgres, keep })), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function freePorts() {
  return {
    web: await reserveAnyPort(),
    gateway: await reserveAnyPort(),
    orthanc: await reserveAnyPort(),
    dicom: await reserveAnyPort(),
    postgres: await reserveAnyPort(),
    hapi: await reserveAnyPort(),
  };
}
