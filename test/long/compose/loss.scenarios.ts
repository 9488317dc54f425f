import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { MixedLoad } from '../mixed.load.ts';
import { tell } from '../resident.memory.ts';
import type { ComposeWorld } from './compose.world.ts';

const RECOVERY_SECONDS = 90;

/** Every acknowledged instance comes back with the bytes that were sent. */
export async function expectNothingLost(load: MixedLoad): Promise<void> {
  let lost = 0;
  for (const sent of load.acknowledged.values()) {
    const { status, sha256 } = await load.fetchDigest(sent);
    if (status !== 200 || sha256 !== sent.sha256) lost += 1;
  }
  expect(lost, 'acknowledged, and not there as it was sent').toBe(0);
}

/** Kills and restarts during a mixed load through nginx. */
export function registerLoss(world: () => ComposeWorld): void {
  it('loses no acknowledged instance when a container is killed, whichever it is, or when the stack is stopped', async () => {
    const admin = await world().administrator();
    const load = await world().load(admin);
    try {
      await load.recovered(RECOVERY_SECONDS);
      for (const service of ['gateway', 'orthanc', 'postgres', 'web', 'hapi']) {
        await sleep(1500);
        await world().kill(service);
        const seconds = await load.recovered(RECOVERY_SECONDS);
        tell(`kill -9 of ${service}: storing, searching and retrieving again after ${seconds.toFixed(1)} s`);
      }
      await world().compose('down', '--timeout', '20');
      await world().compose('up', '-d');
      const seconds = await load.recovered(RECOVERY_SECONDS);
      tell(`down and up: again ${seconds.toFixed(1)} s after up has returned`);
      await load.stop();
      tell(`acknowledged ${load.acknowledged.size} instances, ${load.open.size} without an answer`);
      expect(load.wrong).toEqual([]);
      await expectNothingLost(load);
    } finally {
      await load.close();
    }
  });
}
