import { afterEach, describe, expect, it } from 'vitest';
import { CoalescedWork } from '../../src/pixels/coalesced.work.js';
import { WorkerPool } from '../../src/pixels/worker.pool.js';

interface Task {
  readonly does: 'answer' | 'loop' | 'wait' | 'throw' | 'exit' | 'environment';
  readonly says?: string;
  readonly ms?: number;
}

const pools: WorkerPool<Task, string>[] = [];
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close())));

function poolOf(most: number) {
  const pool = new WorkerPool<Task, string>(new URL('./odd.worker.ts', import.meta.url), most);
  pools.push(pool);
  return (task: Task, milliseconds = 20_000) => pool.run(task, { milliseconds, moved: [] });
}

describe('a pool of workers', () => {
  it('answers each task, and more tasks than workers wait', async () => {
    const run = poolOf(2);
    const texts = Array.from({ length: 20 }, (_, at) => `task ${at}`);
    expect(await Promise.all(texts.map((says) => run({ does: 'answer', says })))).toEqual(texts);
  });

  it.each([
    ['loop', 'time', 300],
    ['throw', 'failure', 20_000],
    ['exit', 'failure', 20_000],
  ] as const)('replaces a worker that would %s, and the waiting tasks go on', async (does, reason, limit) => {
    const run = poolOf(1);
    const lost = run({ does }, limit).catch((error: unknown) => error);
    const waiting = [run({ does: 'answer', says: 'one' }), run({ does: 'answer', says: 'two' })];
    expect(await lost).toMatchObject({ name: 'WorkerLost', reason });
    expect(await Promise.all(waiting)).toEqual(['one', 'two']);
  });

  it('limits the processor time of a task, and the time of a task that only waits', async () => {
    const run = poolOf(1);
    expect(await run({ does: 'wait', ms: 600, says: 'late' }, 300)).toBe('late');
    await expect(run({ does: 'wait', ms: 60_000 }, 300)).rejects.toMatchObject({ reason: 'time' });
  });

  it('gives its workers no environment variables', async () => {
    expect(await poolOf(1)({ does: 'environment' })).toBe('{}');
  });

  it('ends running and waiting tasks when it is closed', async () => {
    const run = poolOf(1);
    const tasks = [run({ does: 'loop' }), run({ does: 'answer' })].map((one) =>
      one.catch((error: unknown) => error),
    );
    await pools[0]?.close();
    for (const outcome of await Promise.all(tasks)) expect(outcome).toMatchObject({ reason: 'closed' });
    await expect(run({ does: 'answer' })).rejects.toMatchObject({ reason: 'closed' });
  });
});

describe('equal work', () => {
  it('runs once for all who ask at the same time, and again for later requests', async () => {
    const work = new CoalescedWork<number>();
    let runs = 0;
    const ask = () =>
      work.run('a', async () => {
        await Promise.resolve();
        runs += 1;
        return runs;
      });
    expect(await Promise.all([ask(), ask(), ask()])).toEqual([1, 1, 1]);
    expect(await ask()).toBe(2);
  });

  it('goes on until the last caller has left, and then stops', async () => {
    const work = new CoalescedWork<string>();
    const clients = [new AbortController(), new AbortController()] as const;
    let stopped: AbortSignal | undefined;
    const asked = clients.map(({ signal }) =>
      work
        .run(
          'a',
          (stop) => {
            stopped = stop;
            return new Promise<string>(() => undefined);
          },
          signal,
        )
        .catch((error: unknown) => error),
    );
    clients[0].abort('first');
    expect(await asked[0]).toBe('first');
    expect(stopped?.aborted).toBe(false);
    clients[1].abort('second');
    expect(await asked[1]).toBe('second');
    expect(stopped?.aborted).toBe(true);
  });

  it('that fails gives each caller its error', async () => {
    const work = new CoalescedWork<never>();
    const ask = () => work.run('a', () => Promise.reject(new Error('broken')));
    const outcomes = await Promise.allSettled([ask(), ask()]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});
