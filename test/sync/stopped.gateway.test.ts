import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { catalogued } from '../dicomweb/stow.answers.ts';
import { startWorld, type World } from '../support/world.ts';
import { stopSweep } from './stopped.sweep.ts';

/** The number of instances that the gateway reads from the archive and inserts together. */
const BATCH = 100;

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await stopSweep(world);
});
afterAll(() => world?.stop());

async function bring(studyUid: string, count: number): Promise<void> {
  const seriesUid = freshUid();
  for (let left = count; left > 0; left -= 1) {
    const body = new Uint8Array(makeInstance({ studyUid, seriesUid, sopUid: freshUid() }));
    expect((await world.archive('/instances', { method: 'POST', body })).status).toBe(200);
  }
}

it('a gateway that stops among many new instances leaves none of them to a sweep', async () => {
  const [first, second] = [freshUid(), freshUid()];
  const waiting = async () =>
    (await world.sql`select 1 from pg_locks where relation = 'instances'::regclass and not granted`).length;
  const stopped = await world.sql.begin(async (lock) => {
    await lock`lock table instances in share mode`;
    await world.sql.begin(async (tx) => {
      await tx`lock table archive_cursor in access exclusive mode`;
      await bring(first, BATCH);
      await bring(second, 10);
    });
    // The gateway has read all these instances with one page of the feed. It waits for the lock before it inserts the first batch.
    await expect.poll(waiting).toBeGreaterThan(0);
    const stopping = world.gateway.stop();
    // The gateway needs some time to receive the signal.
    await sleep(1000);
    return { stopping };
  });
  await stopped.stopping;
  expect(await catalogued(world, first)).toMatchObject({ instances: BATCH });
  expect(await catalogued(world, second)).toMatchObject({ instances: 0 });
  world.gateway = await world.secondGateway();
  await expect.poll(() => catalogued(world, second)).toMatchObject({ instances: 10, counted: 10 });
});
