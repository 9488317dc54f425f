import { readFile } from 'node:fs/promises';
import { request } from 'undici';
import type { Caller, World } from '../support/world.ts';
import { mutatedFiles } from './dicom.mutations.ts';

/** The result of storing many mutated files. */
export interface Storing {
  /** The number of answers by status. */
  readonly statuses: Readonly<Record<number, number>>;
  /** The growth of the gateway's memory in bytes after the first tenth of the files. */
  readonly grownBytes: number;
}

/** Sends the files one after the other, each in its own request. */
export async function storeMutated(
  world: World,
  caller: Caller,
  seed: number,
  count: number,
): Promise<Storing> {
  const statuses: Record<number, number> = {};
  let [at, before] = [0, 0];
  for (const body of mutatedFiles(seed, count)) {
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
