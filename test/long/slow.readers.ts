import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Caller, World } from '../support/world.ts';

/** Clients that ask for `path` at the same time and take at most 64 KiB a second each. */
export class SlowReaders {
  private readonly sockets: Socket[] = [];
  /** Bytes each has taken. */
  readonly taken: number[] = [];

  private constructor() {}

  static async start(world: World, reader: Caller, path: string, count: number): Promise<SlowReaders> {
    const readers = new SlowReaders();
    const { hostname, port } = new URL(world.gateway.url);
    for (let index = 0; index < count; index += 1) {
      const socket = connect(Number(port), hostname).on('error', () => undefined);
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

  /** Lets all of them read for so long. */
  async read(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
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
