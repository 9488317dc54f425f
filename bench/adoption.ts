// `npm run bench -- adoption [INSTANCES]`: measures a new gateway in front of a full archive.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool, request } from 'undici';
import { z } from 'zod';
import { startGateway } from '../infra/local/gateway.ts';
import { startOrthanc } from '../infra/local/orthanc.ts';
import { cacheFolder, providePrefix } from '../infra/local/prefix.ts';
import { type Base, startOnBase } from './bench.base.ts';
import { processorSeconds } from './processor.ts';
import { sample } from './samples.ts';

const account = { username: 'gateway', aet: 'BENCH' };
const SERIES = 100;
const PIXEL_BYTES = 64 * 1024;
const SENDERS = 4;
const Stats = z.object({ catalog: z.object({ instances: z.number() }) });

type Say = (line: string) => void;

/** Returns as Markdown how many instances per second the gateway adds to the catalog, and how many instances Orthanc stored per second. */
export async function benchAdoption(instances: number, say: Say): Promise<string> {
  const stack = await startOnBase(async (base) => ({ base, orthanc: await startArchive(base, say) }));
  try {
    say(`storing ${instances} instances in the archive`);
    const stored = await timed(() => fill(stack.base, stack.orthanc.url, instances));
    const archive = { url: stack.orthanc.url, username: account.username };
    const gateway = stack.base.keep(
      await startGateway({ ...stack.base, orthanc: archive, admin: 'admin', hapi: false }),
    );
    const pids = { gateway: gateway.pid, Orthanc: stack.orthanc.pid };
    const before = await processorTimes(pids);
    say('the gateway takes them up');
    const adopted = await timed(() => untilHeld(stack.base, instances));
    const after = await processorTimes(pids);
    const each = Object.keys(pids).map((name) => {
      const spent = (after.get(name) ?? 0) - (before.get(name) ?? 0);
      return `${name} ${((spent / instances) * 1000).toFixed(1)}`;
    });
    return `| ${instances} instances of ${PIXEL_BYTES / 1024} KiB | instances/s | compared |
|---|---|---|
| Orthanc stores, ${SENDERS} senders | ${(instances / stored).toFixed(0)} | |
| the gateway takes up | ${(instances / adopted).toFixed(0)} | ${(stored / adopted).toFixed(2)} ×; ms of processor for each: ${each.join(', ')} |`;
  } finally {
    await stack.stop();
  }
}

async function startArchive({ data, ports, secrets, keep }: Base, say: Say) {
  const prefix = await providePrefix(cacheFolder(), say);
  const addresses = { httpPort: ports.orthanc, dicomPort: ports.dicom, password: secrets.orthancPassword };
  return keep(await startOrthanc({ ...account, ...addresses, prefix, dir: join(data, 'orthanc') }));
}

async function fill({ secrets }: Base, url: string, instances: number): Promise<void> {
  const basic = Buffer.from(`${account.username}:${secrets.orthancPassword}`).toString('base64');
  const pool = new Pool(url, { connections: SENDERS });
  let left = instances;
  const send = async () => {
    while (left > 0) {
      const count = Math.min(SERIES, left);
      left -= count;
      for (const { file } of sample(count, PIXEL_BYTES)) {
        const headers = { authorization: `Basic ${basic}`, 'content-type': 'application/dicom' };
        const answer = await pool.request({ method: 'POST', path: '/instances', headers, body: file });
        if (answer.statusCode !== 200) throw new Error(`the archive answered ${answer.statusCode}`);
        await answer.body.dump();
      }
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, send));
  await pool.close();
}

async function untilHeld({ ports, secrets }: Base, instances: number): Promise<void> {
  const url = `http://127.0.0.1:${ports.gateway}/api`;
  const account = { username: 'admin', password: secrets.adminPassword };
  const signedIn = await request(`${url}/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(account),
  });
  const { access_token: token } = z.object({ access_token: z.string() }).parse(await signedIn.body.json());
  for (;;) {
    const answer = await request(`${url}/stats`, { headers: { authorization: `Bearer ${token}` } });
    if (Stats.parse(await answer.body.json()).catalog.instances === instances) return;
    await sleep(200);
  }
}

/** Returns the duration of `work` in seconds. */
async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

/** Returns the processor time in seconds that each process has used up to now. */
async function processorTimes(pids: Readonly<Record<string, number>>): Promise<Map<string, number>> {
  const times = new Map<string, number>();
  for (const [name, pid] of Object.entries(pids)) times.set(name, await processorSeconds(pid));
  return times;
}
