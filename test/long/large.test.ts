import { freemem } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Caller, startOwnWorld, type OwnWorld } from '../support/world.ts';
import { digestsOf, digestsSent, storeLargeSeries } from './large.series.ts';
import { forgetPeak, residentOf, tell } from './resident.memory.ts';
import { expectLittleOfSlowReaders } from './slow.readers.ts';
import { digestOf } from './streamed.store.ts';

const MB = 1_000_000;

let world: OwnWorld;
let sender: Caller;

/** The peak memory of gateway and archive in MiB, since their start or the last reset. */
async function peaks() {
  const [gateway, orthanc] = [await residentOf(world.gateway.pid), await residentOf(world.orthanc.pid)];
  return { gateway: gateway.most, orthanc: orthanc.most };
}

function figures(what: string, seconds: number, { gateway, orthanc }: Awaited<ReturnType<typeof peaks>>) {
  tell(
    `${what}: ${seconds.toFixed(1)} s; at most gateway ${gateway.toFixed()} MiB, Orthanc ${orthanc.toFixed()} MiB`,
  );
}

describe('at flat memory', () => {
  beforeEach(async () => {
    world = await startOwnWorld();
    sender = await world.machine();
  });
  afterEach(() => world?.stop());

  it('ten gigabytes in one STOW request, each instance of 10 MB', async () => {
    const count = 1000;
    const series = await storeLargeSeries(world, sender, { count, bytes: 10 * MB });
    const most = await peaks();
    figures('10 GB STOW', series.seconds, most);
    expect(series).toMatchObject({ status: 200, stored: count });
    expect(most.gateway).toBeLessThanOrEqual(250);
    expect(most.orthanc).toBeLessThanOrEqual(300);
    const reader = await world.radiologist(series.studyUid);
    for (const index of [0, 499, 999]) {
      const [digest] = await digestsOf(world, reader, `${series.path}/instances/${series.sopUid(index)}`);
      expect(digest).toBe(digestOf(series.instance(index)));
    }
  });

  it('a series of a thousand instances retrieved', async () => {
    const count = 1000;
    const series = await storeLargeSeries(world, sender, { count, bytes: 0.5 * MB });
    expect(series).toMatchObject({ status: 200, stored: count });
    const reader = await world.radiologist(series.studyUid);
    await forgetPeak(world.gateway.pid);
    const began = performance.now();
    const digests = await digestsOf(world, reader, series.path);
    const most = await peaks();
    figures('1,000 instances retrieved', (performance.now() - began) / 1000, most);
    expect(digests.sort()).toEqual(digestsSent(series, count));
    expect(most.gateway).toBeLessThanOrEqual(250);
  });

  it('two hundred slow readers of a series of 100 MB: 2 MB each', async () => {
    await expectLittleOfSlowReaders(world, sender, { instances: 200, readers: 200, seconds: 30 });
  });

  it('one instance of two gigabytes, there and back', async () => {
    expect(freemem(), 'the archive takes four times as much').toBeGreaterThan(10_000 * MB);
    const series = await storeLargeSeries(world, sender, { count: 1, bytes: 2 ** 31 - 65_536 });
    figures('2 GB instance stored', series.seconds, await peaks());
    expect(series).toMatchObject({ status: 200, stored: 1 });
    const reader = await world.radiologist(series.studyUid);
    const began = performance.now();
    const digests = await digestsOf(world, reader, series.path);
    const most = await peaks();
    figures('2 GB instance retrieved', (performance.now() - began) / 1000, most);
    expect(digests).toEqual(digestsSent(series, 1));
    expect(most.gateway).toBeLessThanOrEqual(250);
  });
});
