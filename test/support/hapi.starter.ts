import { createServer } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { provideHapi } from '../../infra/hapi/build.ts';
import { startHapi, type Hapi } from '../../infra/local/hapi.ts';
import { reserveAnyPort } from '../../infra/local/port.ts';
import { cacheFolder } from '../../infra/local/prefix.ts';

/** Starts the HAPI of this test run when the first test file asks for it. */
export type HapiStarter = { url: string; stop: () => Promise<void> };

/**
 * Listens for test files that need HAPI. HAPI takes half a minute to start, and must outlive the worker that asks for it first. Therefore
 * the main process starts HAPI at the first GET. The response contains the URL of HAPI.
 */
export async function openHapiStarter(log: (line: string) => void): Promise<HapiStarter> {
  const dir = await mkdtemp(join(tmpdir(), 'radgate-hapi-'));
  let started: Promise<Hapi> | undefined;
  const start = async () => {
    const app = await provideHapi(cacheFolder(), log);
    return startHapi({ app, dir, port: await reserveAnyPort() });
  };
  const server = createServer((_request, response) => {
    started ??= start();
    started.then(
      (hapi) => response.end(hapi.url),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  const port = await reserveAnyPort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${port}/`,
    stop: async () => {
      server.close();
      await started?.then((hapi) => hapi.stop()).catch(() => undefined);
      await rm(dir, { recursive: true, force: true });
    },
  };
}
