import { expect, it } from 'vitest';
import { RecentWork } from '../../src/dicomweb/pixels/recent.work.ts';

class Final extends Error {}

const recent = (most: number, mostWeight = 1_000) =>
  new RecentWork<{ weight: number }>({ most, mostWeight, isFinal: (error) => error instanceof Final });

/** Work that counts its runs. */
function counted(weight: number, error?: Error) {
  const runs = { count: 0 };
  const work = async () => {
    runs.count += 1;
    await Promise.resolve();
    if (error !== undefined) throw error;
    return { weight };
  };
  return { runs, work };
}

it('equal work runs once, also later', async () => {
  const { runs, work } = counted(1);
  const cache = recent(10);
  await Promise.all([cache.run('a', work), cache.run('a', work)]);
  await cache.run('a', work);
  expect(runs.count).toBe(1);
});

it('a final error is kept, another error is not', async () => {
  for (const [error, runs] of [
    [new Final(), 1],
    [new Error('the archive is away'), 2],
  ] as const) {
    const failing = counted(1, error);
    const cache = recent(10);
    await expect(cache.run('a', failing.work)).rejects.toBe(error);
    await expect(cache.run('a', failing.work)).rejects.toBe(error);
    expect(failing.runs.count).toBe(runs);
  }
});

it.each([
  ['results', undefined],
  ['final errors', new Final()],
  ['other errors', new Error('the archive is away')],
])('the number of %s in memory never exceeds the limit', async (_, error) => {
  const cache = recent(5);
  for (let key = 0; key < 50; key += 1) {
    await cache.run(`${key}`, counted(1, error).work).catch(() => undefined);
    expect(cache.size).toBeLessThanOrEqual(5);
  }
  await Promise.allSettled(
    Array.from({ length: 50 }, (__, key) => cache.run(`at once ${key}`, counted(1, error).work)),
  );
  expect(cache.size).toBeLessThanOrEqual(5);
});

it('the least recently used result is removed first, by number and by weight', async () => {
  const cache = recent(3, 10);
  const works = ['a', 'b', 'c'].map((key) => Object.assign(counted(3), { key }));
  for (const { key, work } of works) await cache.run(key, work);
  await cache.run('a', counted(3).work);
  await cache.run('heavy', counted(6).work);
  // 3 of `a` and 6 of `heavy` are left.
  expect(cache.size).toBe(2);
  for (const { key, work } of works) await cache.run(key, work);
  expect(works.map(({ runs }) => runs.count)).toEqual([1, 2, 2]);
});
