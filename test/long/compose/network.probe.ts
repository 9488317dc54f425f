import { createServer } from 'node:http';
import { networkInterfaces } from 'node:os';
import type { ComposeWorld } from './compose.world.ts';

// A connection alone proves nothing: a proxy of the machine may accept connections to every address.
const PROBE = 'exec 3<>"/dev/tcp/$1/$2" && printf "$3" >&3 && head -c "$4" <&3';

/** An HTTP request in the form of `printf`. */
export const GET = String.raw`GET / HTTP/1.0\r\n\r\n`;

/**
 * Returns at most `bytes` bytes that a container receives from an address within three seconds after it has sent `text` (in the form of
 * `printf`). If the server sends fewer bytes and does not close the connection, returns nothing.
 */
export async function heard(
  world: ComposeWorld,
  from: string,
  to: string,
  port: number,
  text: string,
  bytes = 600,
): Promise<string> {
  const command = ['timeout', '3', 'bash', '-c', PROBE, 'probe', to, `${port}`, text, `${bytes}`];
  return (await world.inside(from, ...command)).text;
}

/** An HTTP server on all addresses of this machine. */
export interface HostServer {
  /** The IPv4 addresses of the machine, without the loopback addresses. */
  addresses: string[];
  port: number;
  /** The body of every response. */
  says: string;
  stop: () => void;
}

export async function startHostServer(): Promise<HostServer> {
  const says = 'a server of the host';
  const server = createServer((_, response) => response.end(says));
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const addresses = Object.values(networkInterfaces())
    .flat()
    .flatMap((found) => (found && found.family === 'IPv4' && !found.internal ? [found.address] : []));
  return { addresses, port, says, stop: () => void server.close() };
}
