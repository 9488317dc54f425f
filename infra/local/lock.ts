import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Takes the lock of this name on this machine; undefined when another process holds it, else a function that gives it
 * back. It is an abstract socket, so the kernel gives it back when its holder dies.
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

/** Runs `work` while holding the lock, waiting for its holder first; `waiting` is called once when it has to. */
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
