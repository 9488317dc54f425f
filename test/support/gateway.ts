import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, launch, type Running, until } from '../../infra/local/launch.ts';
import { gatewayFlags, thriftyMemory } from '../../infra/local/memory.settings.ts';

const MAIN = join(import.meta.dirname, '../../dist/main.js');

/** A gateway process under test: its address, its environment, and what it logged. */
export type TestGateway = Running & {
  url: string;
  env: Readonly<Record<string, string>>;
  logged: () => Promise<string>;
};

/** Starts the built gateway as a process of its own on a free port and waits until it answers. */
export async function startTestGateway(env: Readonly<Record<string, string>>): Promise<TestGateway> {
  const dir = await mkdtemp(join(tmpdir(), 'radgate-gateway-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const full = { HOST: '127.0.0.1', PORT: String(port), PUBLIC_URL: url, DATA_DIR: dir, ...env };
  const log = join(dir, 'gateway.log');
  const running = await launch({
    command: [process.execPath, ...gatewayFlags, MAIN],
    cwd: dir,
    log,
    env: { ...thriftyMemory, ...full },
  });
  await until('the gateway', running, async () => (await fetch(`${url}/health/live`)).ok);
  const stop = async () => {
    await running.stop();
    await rm(dir, { recursive: true, force: true });
  };
  return { ...running, stop, url, env: full, logged: () => readFile(log, 'utf8') };
}
