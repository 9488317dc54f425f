import postgres from 'postgres';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { z } from 'zod';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
let admin: postgres.Sql;
beforeAll(async () => {
  world = await startWorld();
  // Only a superuser sees the statements of other sessions.
  admin = postgres(inject('postgres').adminUrl, { max: 1 });
});
afterAll(async () => {
  await admin?.end();
  await world?.stop();
});

/**
 * The number of searches that wait for the lock on the table. The gateway's sweep, which compares archive and catalog, may also wait for
 * this lock.
 */
async function waitingSearches(): Promise<number> {
  // Other databases of the run have tables with the same OID.
  const rows = await world.sql`
    select pid from pg_locks where relation = 'series'::regclass and not granted
    and database = (select oid from pg_database where datname = current_database())`;
  const pids = z
    .array(z.object({ pid: z.number() }))
    .parse([...rows])
    .map(({ pid }) => pid);
  const searches = await admin`
    select from pg_stat_activity where pid = any(${pids}) and query like '%with found as%'`;
  return searches.length;
}

it('an account with any number of slow searches leaves the database to others', async () => {
  const greedy = await world.radiologist(freshUid());
  const other = await world.radiologist(freshUid());
  const searches: Promise<number>[] = [];
  await world.sql.begin(async (tx) => {
    // Every search waits until this transaction ends.
    await tx`lock table series in access exclusive mode`;
    for (let count = 0; count < 40; count += 1)
      searches.push(world.get(greedy, '/series').then(({ status }) => status));
    await expect.poll(waitingSearches).toBeGreaterThan(0);
    await world.get(other, '/studies').expect(200, '[]');
    expect(await waitingSearches()).toBeLessThanOrEqual(4);
  });
  expect(new Set(await Promise.all(searches))).toEqual(new Set([200]));
});
