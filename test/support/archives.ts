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
  /** The id of the running process. `restart` changes it. */
  readonly pid: number;
  /** Ends the use of the Orthanc and removes its content. */
  stop: () => Promise<void>;
}

/** An Orthanc that only one test file uses, from its start to its end. */
export interface OwnOrthanc extends TestOrthanc {
  /** Kills the process with SIGKILL, like a power failure. Resolves when the process has ended. */
  kill: () => Promise<void>;
  /** Starts the Orthanc again after `kill`, with the same archive, ports and account. */
  restart: () => Promise<void>;
  /** Copies the content of the archive. The Orthanc must not be running. */
  backUp: () => Promise<void>;
  /** Replaces the content of the archive by the copy. The Orthanc must not be running. */
  putBack: () => Promise<void>;
}

/** Starts an Orthanc on free ports with an empty archive. `stop` removes the archive. The Orthanc ends when this process ends. */
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
