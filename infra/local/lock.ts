import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Takes a named lock that all processes on this machine share. Returns a function that releases the lock, or `undefined` if another process
 * has the lock. The lock is an abstract socket, so the kernel releases the lock when the process ends.
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

/** Runs `work` with the lock. If another process has the lock, calls `waiting` once and waits. */
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
