import { connect } from 'node:net';

/**
 * Sends bytes unchanged to the gateway on a new connection. Returns all received bytes when the server has closed the connection, or when
 * the connection was idle for `silenceMs`.
 */
export function rawly(gateway: string, text: string, silenceMs = 2000): Promise<string> {
  const { hostname, port } = new URL(gateway);
  const socket = connect(Number(port), hostname);
  let got = '';
  socket.setTimeout(silenceMs, () => socket.destroy());
  socket.on('data', (chunk: Buffer) => (got += chunk.toString('latin1')));
  socket.write(Buffer.from(text, 'latin1'));
  return new Promise((resolve) => {
    // If the server refuses a request without reading its body, it may reset the connection.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(got));
  });
}

/** A request with `Connection: close`. */
export function requestOf(target: string, headers: readonly string[], method = 'GET'): string {
  return [`${method} ${target} HTTP/1.1`, ...headers, 'Connection: close', '', ''].join('\r\n');
}

/** The status code of a response, or 0 if there is no status line. */
export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0);
}
