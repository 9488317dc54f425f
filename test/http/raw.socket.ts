import { connect } from 'node:net';

/**
 * Sends bytes to the gateway as they are, on a connection of its own, and gives all that comes back until it is closed by the
 * other side, or until nothing came for `silenceMs`.
 */
export function rawly(gateway: string, text: string, silenceMs = 2000): Promise<string> {
  const { hostname, port } = new URL(gateway);
  const socket = connect(Number(port), hostname);
  let got = '';
  socket.setTimeout(silenceMs, () => socket.destroy());
  socket.on('data', (chunk: Buffer) => (got += chunk.toString('latin1')));
  socket.write(Buffer.from(text, 'latin1'));
  return new Promise((resolve) => {
    // A refusal of what was not read yet may end in a reset.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(got));
  });
}

/** One request that ends its connection. */
export function requestOf(target: string, headers: readonly string[], method = 'GET'): string {
  return [`${method} ${target} HTTP/1.1`, ...headers, 'Connection: close', '', ''].join('\r\n');
}

/** The status line's number; 0 when there was none. */
export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0);
}
