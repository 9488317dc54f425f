import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tryLock } from './lock.ts';

const firstUnassigned = 10_000;
const usualEphemeral = 32_768;
const highest = 65_535;

/**
 * The first port at or above `wanted` that nobody listens on at 127.0.0.1 and that no other process of ours has
 * reserved; it is this process's until that ends.
 */
export async function reservePort(wanted: number): Promise<number> {
  for (let port = wanted; port <= highest; port += 1)
    if ((await isFree(port)) && (await tryLock(`port ${port}`))) return port;
  throw new Error(`no free port at or above ${wanted}`);
}

/**
 * Any port, reserved as by `reservePort`. It lies below those the kernel gives to outgoing connections: one of them may
 * take a port between the moment it was found free and the moment a server that is still starting listens on it.
 */
export async function reserveAnyPort(): Promise<number> {
  const range = await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').catch(() => '');
  const ephemeral = Number.parseInt(range, 10) || usualEphemeral;
  return reservePort(randomInt(firstUnassigned, Math.max(ephemeral, firstUnassigned + 1)));
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
