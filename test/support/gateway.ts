import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { launch, type Running, until } from '../../infra/local/launch.ts';
import { gatewayFlags, thriftyMemory } from '../../infra/local/memory.settings.ts';
import { reserveAnyPort } from '../../infra/local/port.ts';
import { BUNDLED } from './gateway.bundle.ts';
import { foundIn, foundInMetrics } from './log.canaries.ts';
import { type RecordingProxy, startRecordingProxy } from './recording.proxy.ts';

const PATIENCE_MS = 3_000;

/** A gateway process under test: its URL, its environment, its log, and its requests to the archive. */
export type TestGateway = Running & {
  url: string;
  env: Readonly<Record<string, string>>;
  logged: () => Promise<string>;
  metrics: () => Promise<string>;
  /**
   * Kills the gateway. May be used only when no client uses the gateway any more. `stop` shuts the gateway down cleanly, which takes a
   * second.
   */
  leave: () => Promise<void>;
  upstream: RecordingProxy | undefined;
};

/**
 * Starts the built gateway as a separate process and waits until it answers. The port is the port in `env` or a free port. A recording
 * proxy is between the gateway and its archive. `stop` and `leave` fail if the gateway sent a request that src/orthanc cannot make, or if
 * its log or metrics contain a secret or a name. `under` is a command that runs the gateway.
 */
export async function startTestGateway(
  env: Readonly<Record<string, string>>,
  under: readonly string[] = [],
): Promise<TestGateway> {
  const dir = await mkdtemp(join(tmpdir(), 'radgate-gateway-'));
  const port = env['PORT'] ?? String(await reserveAnyPort());
  const url = `http://127.0.0.1:${port}`;
  const full = {
    HOST: '127.0.0.1',
    PORT: port,
    PUBLIC_URL: url,
    DATA_DIR: dir,
    METRICS_TOKEN: 'the metrics of a test',
    // Bodies made in advance would read the archive while a test counts or delays reads of the archive.
    CACHE_AHEAD_PERCENT: '0',
    ...env,
  };
  const upstream = await recorded(env);
  const clean = async () => {
    await upstream?.stop();
    await rm(dir, { recursive: true, force: true });
  };
  const log = join(dir, 'gateway.log');
  const running = await launch({
    command: [...under, process.execPath, ...gatewayFlags, ...BUNDLED],
    cwd: dir,
    log,
    env: { ...thriftyMemory, ...full, ...(upstream && { ORTHANC_URL: upstream.url }) },
  });
  await until('the gateway', running, async () => (await fetch(`${url}/health/live`)).ok).catch(
    async (error: unknown) => {
      await clean();
      throw error;
    },
  );
  const metrics = async () => {
    const headers = { authorization: `Bearer ${full.METRICS_TOKEN}` };
    return (await fetch(`${url}/metrics`, { headers, signal: AbortSignal.timeout(PATIENCE_MS) })).text();
  };
  const endBy = async (end: () => Promise<unknown>) => {
    // Some tests have already stopped the gateway, the database or the archive.
    const figures = await metrics().catch(() => '');
    await end();
    const found = foundIn(await readFile(log, 'utf8').catch(() => ''), env);
    const told = foundInMetrics(figures, env);
    await clean();
    if (found.length > 0) throw new Error(`in the gateway's log: ${found.join(', ')}`);
    if (told.length > 0) throw new Error(`in the gateway's metrics: ${told.join(', ')}`);
    if (upstream !== undefined && upstream.faults.length > 0)
      throw new Error(`asked of the archive:\n${[...new Set(upstream.faults)].join('\n')}`);
  };
  const stop = () => endBy(running.stop);
  const leave = () =>
    endBy(() => {
      running.kill();
      return running.exited;
    });
  return { ...running, stop, leave, url, env: full, upstream, logged: () => readFile(log, 'utf8'), metrics };
}

/** The proxy in front of this environment's archive. */
async function recorded(env: Readonly<Record<string, string>>): Promise<RecordingProxy | undefined> {
  const { ORTHANC_URL: target, ORTHANC_USERNAME: username, ORTHANC_PASSWORD: password } = env;
  if (target === undefined || username === undefined || password === undefined) return undefined;
  return startRecordingProxy(target, { username, password }, inject('upstreamFaults'));
}
