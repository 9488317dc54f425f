import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../infra/local/gateway.ts';
import { reserveAnyPort } from '../infra/local/port.ts';
import { startPostgres, type Postgres } from '../infra/local/postgres.ts';
import { keptSecrets, type Secrets } from '../infra/local/secrets.ts';

export type Stoppable = { stop: () => Promise<void> };

/** The common base of every measured stack. It has a folder, free ports, secrets, and PostgreSQL with the newest schema. */
export interface Base {
  data: string;
  ports: Awaited<ReturnType<typeof freePorts>>;
  secrets: Secrets;
  postgres: Postgres;
  /** Registers a process that stops together with the stack. The process that was started last is stopped first. */
  keep: <One extends Stoppable>(one: One) => One;
}

/** Starts a stack on its own base. `stop` ends all processes of the stack and removes its folder. */
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
