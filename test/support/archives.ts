import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startOrthanc } from '../../infra/local/orthanc.ts';
import { reserveAnyPort } from '../../infra/local/port.ts';
import type { Prefix } from '../../infra/local/prefix.ts';

/** A real Orthanc for one test file: its address, its one account and its DICOM port. */
export interface TestOrthanc {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly dicomPort: number;
  readonly aet: string;
  /** Of the process now running; another one after `restart`. */
  readonly pid: number;
  /** Ends the use of it; what it holds is removed. */
  stop: () => Promise<void>;
}

/** An Orthanc that belongs to its test file alone, from its start to its end. */
export interface OwnOrthanc extends TestOrthanc {
  /** Ends it as a power cut would (SIGKILL) and resolves when it is gone. */
  kill: () => Promise<void>;
  /** Starts it again after `kill`, with the same archive, ports and account. */
  restart: () => Promise<void>;
  /** Copies all it holds; it must not be running. */
  backUp: () => Promise<void>;
  /** Replaces what it holds by that copy; it must not be running. */
  putBack: () => Promise<void>;
}

/** Starts an Orthanc on free ports with an empty archive, which `stop` removes. It ends with this process. */
export async function startOwnOrthanc(prefix: Prefix): Promise<OwnOrthanc> {
  const dir = await mkdtemp(join(tmpdir(), 'radgate-orthanc-'));
  const httpPort = await reserveAnyPort();
  const dicomPort = await reserveAnyPort();
  const account = { username: 'gateway', password: randomBytes(12).toString('hex'), aet: 'TESTAET' };
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
