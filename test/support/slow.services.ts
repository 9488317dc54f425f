import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { RecordsClient } from '../../infra/demo/records.client.ts';
import { provideHapi } from '../../infra/hapi/build.ts';
import { startHapi } from '../../infra/local/hapi.ts';
import { reserveAnyPort } from '../../infra/local/port.ts';
import { cacheFolder } from '../../infra/local/prefix.ts';
import { readStack, startStack } from './stack.process.ts';
import type { Started } from './starter.ts';

/** The build and the start of HAPI take two minutes on a busy machine. */
const HAPI_MS = 300_000;
const StackFile = z.object({
  gateway: z.url(),
  admin: z.object({ username: z.string(), password: z.string() }),
  fhir: z.object({ url: z.url() }),
});
const SampleList = z.object({ file_id: z.string() });

/** Starts a HAPI, which takes half a minute. The answer is its URL. */
export async function startOwnHapi(log: (line: string) => void): Promise<Started> {
  const dir = await mkdtemp(join(tmpdir(), 'radgate-hapi-'));
  const app = await provideHapi(cacheFolder(), log);
  const hapi = await startHapi({ app, dir, port: await reserveAnyPort() });
  const stop = async () => {
    await hapi.stop();
    await rm(dir, { recursive: true, force: true });
  };
  return { answer: hapi.url, stop };
}

/** Starts a whole stack with the demo and HAPI. The answer is the path of its stack.json. */
export async function startWholeStack(): Promise<Started> {
  const { data, stop } = await startStack(StackFile, '--hapi');
  return { answer: join(data, 'stack.json'), stop };
}

/** Waits until the HAPI of a stack has the sample list of the stack. The answer is the URL of HAPI. */
export async function waitForHapiOf(stackFile: string): Promise<Started> {
  const { gateway, admin, fhir } = await readStack(stackFile, StackFile);
  const end = performance.now() + HAPI_MS;
  for (;;) {
    const text = await readFile(join(dirname(stackFile), 'sample-list.json'), 'utf8').catch(() => '');
    if (text !== '') {
      const { file_id } = SampleList.parse(JSON.parse(text));
      await new RecordsClient(gateway, admin).follow(file_id, () => undefined);
      return { answer: fhir.url, stop: async () => {} };
    }
    if (performance.now() > end || !existsSync(stackFile))
      throw new Error('the HAPI of the stack did not start');
    await sleep(250);
  }
}
