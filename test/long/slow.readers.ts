import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Caller, World } from '../support/world.ts';
import { digestsOf, digestsSent, storeLargeSeries } from './large.series.ts';
import { forgetPeak, residentOf, tell } from './resident.memory.ts';

/** Clients that request `path` at the same time. Each client reads at most 64 KiB per second. */
class SlowReaders {
  private readonly sockets: Socket[] = [];
  private hasLost = false;
  /** The number of bytes that each client has read. */
  readonly taken: number[] = [];

  private constructor() {}

  static async start(world: World, reader: Caller, path: string, count: number): Promise<SlowReaders> {
    const readers = new SlowReaders();
    const { hostname, port } = new URL(world.gateway.url);
    for (let index = 0; index < count; index += 1) {
      const socket = connect(Number(port), hostname).on('error', () => undefined);
      socket.once('close', () => (readers.hasLost = true));
      await once(socket, 'connect');
      socket.pause();
      socket.write(
        `GET /dicom-web${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${reader.authorization}\r\n\r\n`,
      );
      readers.sockets.push(socket);
      readers.taken.push(0);
    }
    return readers;
  }

  /** Lets all clients read for a while. Throws if the gateway has closed a connection. */
  async read(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      if (this.hasLost) throw new Error('the gateway has closed the connection of a slow reader');
      for (const [index, socket] of this.sockets.entries()) {
        const chunk: unknown = socket.read();
        if (Buffer.isBuffer(chunk)) this.taken[index] = (this.taken[index] ?? 0) + chunk.length;
      }
      await sleep(1000);
    }
  }

  leave(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}

/**
 * Slow clients read a series of 0.5 MB instances for a while. Each client may cost at most 2 MiB of memory. Other clients must still get
 * the series.
 */
export async function expectLittleOfSlowReaders(
  world: World,
  sender: Caller,
  { instances, readers, seconds }: Readonly<Record<'instances' | 'readers' | 'seconds', number>>,
): Promise<void> {
  const series = await storeLargeSeries(world, sender, { count: instances, bytes: 500_000 });
  expect(series).toMatchObject({ status: 200, stored: instances });
  const reader = await world.radiologist(series.studyUid);
  await digestsOf(world, reader, series.path);
  const before = (await residentOf(world.gateway.pid)).now;
  await forgetPeak(world.gateway.pid);
  const slow = await SlowReaders.start(world, reader, series.path, readers);
  try {
    await slow.read(seconds);
    // On a busy machine, the last clients may start later than the first.
    while (Math.min(...slow.taken) === 0) await slow.read(1);
    const { most } = await residentOf(world.gateway.pid);
    const each = (most - before) / readers;
    tell(
      `${readers} slow readers: gateway ${before.toFixed()} → ${most.toFixed()} MiB, ${each.toFixed(2)} each`,
    );
    expect(each).toBeLessThanOrEqual(2);
    expect((await digestsOf(world, reader, series.path)).sort()).toEqual(digestsSent(series, instances));
  } finally {
    slow.leave();
  }
}
