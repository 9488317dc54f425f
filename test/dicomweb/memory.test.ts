import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestsOf, digestsSent, storeLargeSeries } from '../long/large.series.ts';
import { forgetPeak, residentOf, tell } from '../long/resident.memory.ts';
import { SlowReaders } from '../long/slow.readers.ts';
import { type Caller, startWorld, type World } from '../support/world.ts';

const MB = 1_000_000;

let world: World;
let sender: Caller;
beforeAll(async () => {
  world = await startWorld();
  sender = await world.machine();
});
afterAll(() => world?.stop());

// The short form of test/long/large.test.ts, with the same bounds.
describe('memory', () => {
  it('does not grow with the body: 300 MB in one STOW request', async () => {
    const count = 30;
    const series = await storeLargeSeries(world, sender, { count, bytes: 10 * MB });
    expect(series).toMatchObject({ status: 200, stored: count });
    const [gateway, orthanc] = [await residentOf(world.gateway.pid), await residentOf(world.orthanc.pid)];
    tell(`300 MB STOW: gateway at most ${gateway.most.toFixed()} MiB, Orthanc ${orthanc.most.toFixed()} MiB`);
    expect(gateway.most).toBeLessThanOrEqual(250);
    expect(orthanc.most).toBeLessThanOrEqual(300);
  });

  it('is 2 MiB at most for a reader that is slow', async () => {
    const [count, readers] = [40, 40];
    const series = await storeLargeSeries(world, sender, { count, bytes: 0.5 * MB });
    expect(series).toMatchObject({ status: 200, stored: count });
    const reader = await world.radiologist(series.studyUid);
    await digestsOf(world, reader, series.path);
    const before = (await residentOf(world.gateway.pid)).now;
    await forgetPeak(world.gateway.pid);
    const slow = await SlowReaders.start(world, reader, series.path, readers);
    try {
      await slow.read(5);
      const each = ((await residentOf(world.gateway.pid)).most - before) / readers;
      tell(`40 slow readers: ${each.toFixed(2)} MiB each`);
      expect(Math.min(...slow.taken)).toBeGreaterThan(0);
      expect(each).toBeLessThanOrEqual(2);
      expect((await digestsOf(world, reader, series.path)).sort()).toEqual(digestsSent(series, count));
    } finally {
      slow.leave();
    }
  });
});
