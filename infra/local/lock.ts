import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Takes the lock of this name on this machine. Returns a function that releases it, or undefined when another process holds it. The lock is
 * an abstract socket, so the kernel releases it when its holder dies.
 */
export function tryLock(name: string): Promise<(() => Promise<void>) | undefined> {
  const address = `\0radgate-${createHash('sha256').update(name).digest('hex')}`;
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen(address, () => {
      server.unref();
      resolve(() => new Promise((released) => server.close(() => released())));
    });
  });
}

/** Runs `work` with the lock, after waiting for another holder; then `waiting` is called once. */
export async function withLock<T>(name: string, waiting: () => void, work: () => Promise<T>): Promise<T> {
  let release = await tryLock(name);
  if (!release) waiting();
  while (!release) {
    await sleep(200);
    release = await tryLock(name);
  }
  try {
    return await work();
  } finally {
    await release();
  }
}
