import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tryLock } from './lock.ts';

const firstUnassigned = 10_000;
const usualEphemeral = 32_768;
const highest = 65_535;

/**
 * Reserves the first port at or above `wanted` that is free on 127.0.0.1 and that no other process of this project has reserved. The
 * reservation ends when this process ends.
 */
export async function reservePort(wanted: number): Promise<number> {
  for (let port = wanted; port <= highest; port += 1)
    if ((await isFree(port)) && (await tryLock(`port ${port}`))) return port;
  throw new Error(`no free port at or above ${wanted}`);
}

/**
 * Like `reservePort`, but reserves any free port below the range of outgoing connections. Otherwise an outgoing connection could take the
 * port before the server listens on it.
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
