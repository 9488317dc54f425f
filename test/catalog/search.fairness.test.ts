import { afterAll, beforeAll, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

it('an account with any number of slow searches leaves the database to others', async () => {
  const greedy = await world.radiologist(freshUid());
  const other = await world.radiologist(freshUid());
  const searches: Promise<number>[] = [];
  await world.sql.begin(async (tx) => {
    // Every search waits for as long as this lasts.
    await tx`lock table series in access exclusive mode`;
    for (let count = 0; count < 40; count += 1)
      searches.push(world.get(greedy, '/series').then(({ status }) => status));
    const waiting = () => world.sql`select from pg_locks where relation = 'series'::regclass and not granted`;
    await expect.poll(async () => (await waiting()).length).toBeGreaterThan(0);
    await world.get(other, '/studies').expect(200, '[]');
    expect((await waiting()).length).toBeLessThanOrEqual(4);
  });
  expect(new Set(await Promise.all(searches))).toEqual(new Set([200]));
});
