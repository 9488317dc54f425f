import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storeLargeSeries } from '../long/large.series.ts';
import { residentOf, tell } from '../long/resident.memory.ts';
import { expectLittleOfSlowReaders } from '../long/slow.readers.ts';
import { type Caller, startOwnWorld, type OwnWorld } from '../support/world.ts';

const MB = 1_000_000;

let world: OwnWorld;
let sender: Caller;
beforeAll(async () => {
  world = await startOwnWorld();
  sender = await world.machine();
});
afterAll(() => world?.stop());

// This is the short form of test/long/large.test.ts, with the same limits. A gateway that held the body would exceed them.
describe('memory', () => {
  it('does not grow with the body: 200 MB in one STOW request', async () => {
    const count = 20;
    const series = await storeLargeSeries(world, sender, { count, bytes: 10 * MB });
    expect(series).toMatchObject({ status: 200, stored: count });
    const [gateway, orthanc] = [await residentOf(world.gateway.pid), await residentOf(world.orthanc.pid)];
    tell(`200 MB STOW: gateway at most ${gateway.most.toFixed()} MiB, Orthanc ${orthanc.most.toFixed()} MiB`);
    expect(gateway.most).toBeLessThanOrEqual(250);
    expect(orthanc.most).toBeLessThanOrEqual(300);
  });

  it('is 2 MiB at most for a reader that is slow', async () => {
    await expectLittleOfSlowReaders(world, sender, { instances: 40, readers: 30, seconds: 3 });
  });
});
