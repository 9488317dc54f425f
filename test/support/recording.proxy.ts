import { appendFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { RequestObserver } from './request.observer.ts';
import { type Expected, faultsOf, type UpstreamRequest } from './upstream.grammar.ts';

/** A proxy between a gateway and its archive. `faults` describes the requests that upstream.grammar.ts does not permit. */
export interface RecordingProxy {
  readonly url: string;
  /** Method and target of each request so far. */
  readonly requests: readonly string[];
  readonly faults: readonly string[];
  stop: () => Promise<void>;
}

/**
 * Starts a proxy in front of the archive at `target`. It forwards every byte and checks each request against upstream.grammar.ts. A
 * connection ends in the same way on both sides, so the gateway sees the faults of the archive unchanged. The proxy also writes requests
 * that are not permitted to the file `report`. The test run reads this file at its end.
 */
export async function startRecordingProxy(
  target: string,
  account: { username: string; password: string },
  report: string,
): Promise<RecordingProxy> {
  const { hostname, port } = new URL(target);
  const faults: string[] = [];
  const requests: string[] = [];
  const open = new Set<Socket>();
  const expected: { -readonly [K in keyof Expected]: Expected[K] } = {
    host: '',
    authorization: `Basic ${Buffer.from(`${account.username}:${account.password}`).toString('base64')}`,
  };
  const see = (request: UpstreamRequest) => {
    requests.push(`${request.method} ${request.target}`);
    const found = faultsOf(request, expected);
    if (found.length === 0) return;
    faults.push(...found);
    void appendFile(report, found.map((fault) => `${fault}\n`).join(''));
  };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ host: hostname, port: Number(port), allowHalfOpen: true, noDelay: true });
    const observer = new RequestObserver(see);
    near.on('data', (chunk: Buffer) => observer.feed(chunk));
    join(near, far);
    join(far, near);
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  expected.host = `127.0.0.1:${address.port}`;
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    faults,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

/** Copies bytes from `from` to `to`. If `from` ends normally, `to` ends normally. In all other cases, `to` is reset. */
function join(from: Socket, to: Socket): void {
  from.pipe(to);
  from.on('error', () => to.resetAndDestroy());
  from.on('close', (broken: boolean) => {
    if (broken || !from.readableEnded) to.resetAndDestroy();
  });
}
