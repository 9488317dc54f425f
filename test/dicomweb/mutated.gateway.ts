import { readFile } from 'node:fs/promises';
import { request } from 'undici';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import type { Caller, World } from '../support/world.ts';
import { mutatedFiles } from './dicom.mutations.ts';

/** What storing many mutated files came to. */
export interface Storing {
  /** How many answers there were of each status. */
  readonly statuses: Readonly<Record<number, number>>;
  /** How much the gateway's memory grew after the first tenth, in bytes. */
  readonly grownBytes: number;
}

/** Sends them one after the other, each as a body of its own. */
export async function storeMutated(
  world: World,
  caller: Caller,
  seed: number,
  count: number,
): Promise<Storing> {
  const statuses: Record<number, number> = {};
  const origin = { studyUid: freshUid(), seriesUid: freshUid(), patientId: 'MUTATED' };
  let [at, before] = [0, 0];
  for (const body of mutatedFiles(seed, count, origin)) {
    if (at === Math.floor(count / 10)) before = await residentBytes(world);
    const answer = await request(`${world.gateway.url}/dicom-web/studies`, {
      method: 'POST',
      headers: { authorization: caller.authorization, 'content-type': 'application/dicom' },
      body,
    });
    await answer.body.dump();
    statuses[answer.statusCode] = (statuses[answer.statusCode] ?? 0) + 1;
    at += 1;
  }
  return { statuses, grownBytes: (await residentBytes(world)) - before };
}

async function residentBytes(world: World): Promise<number> {
  const status = await readFile(`/proc/${world.gateway.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}
