import { setTimeout as sleep } from 'node:timers/promises';
import { type ImportStack, mostResident } from './import.stack.ts';
import { importList, type List, type Say } from './import.work.ts';

const PAUSE_MS = 200;

/** An import: rows per second, the slowest answers of the gateway meanwhile (ms), and the largest memory use of the gateway (MiB). */
export interface Watched {
  readonly rate: number;
  readonly live: number;
  readonly progress: number;
  readonly mebibytes: number;
}

/** Imports a list. Meanwhile asks for `/health/live` and for the progress five times a second. */
export async function importWatched(
  stack: ImportStack,
  list: List,
  say: Say,
  mode: 'commit' | 'rehearse' = 'commit',
): Promise<Watched> {
  const over = new AbortController();
  const slowest = async (ask: () => Promise<unknown>) => {
    let most = 0;
    while (!over.signal.aborted) {
      const began = performance.now();
      await ask();
      most = Math.max(most, performance.now() - began);
      await sleep(PAUSE_MS);
    }
    return most;
  };
  const live = slowest(async () => (await fetch(`${stack.gateway}/health/live`)).arrayBuffer());
  let token = await stack.signIn();
  const progress = slowest(async () => {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${stack.gateway}/api/imports?limit=1`, { headers });
    await answer.arrayBuffer();
    // The token of a long measurement expires.
    if (answer.status === 401) token = await stack.signIn();
  });
  try {
    const { result, mebibytes } = await mostResident(stack.gatewayPid, importList(stack, list, say, mode));
    over.abort();
    return { rate: result, live: await live, progress: await progress, mebibytes };
  } finally {
    over.abort();
  }
}
