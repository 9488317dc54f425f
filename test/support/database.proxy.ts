import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { StatementReader } from './statement.reader.ts';

/** A local TCP proxy in front of PostgreSQL. */
export interface DatabaseProxy {
  readonly url: string;
  /** How often this text was in the statements that ran so far, or in their parameters. */
  readonly statements: (text: string) => number;
  /** Resets every connection, as if PostgreSQL was killed. Refuses new connections until `open` is called. */
  readonly cut: () => void;
  readonly open: () => void;
  /** If true, the proxy forwards no bytes in either direction, not even on new connections. It then behaves like a database that hangs. */
  readonly stall: (isStalled: boolean) => void;
  readonly close: () => void;
}

/** Forwards bytes to the database at `target`. It records the statements of the client, so a test can count them. */
export async function startDatabaseProxy(target: string): Promise<DatabaseProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let sent = '';
  const note = (statement: string) => (sent += `${statement}\n`);
  let refuses = false;
  let stalled = false;
  const server = createServer((near) => {
    near.on('error', () => undefined);
    if (refuses) return void near.resetAndDestroy();
    const far = connect(Number(port), hostname);
    far.on('error', () => undefined);
    sockets.add(near);
    sockets.add(far);
    near.on('close', () => {
      sockets.delete(near);
      far.destroy();
    });
    far.on('close', () => {
      sockets.delete(far);
      near.destroy();
    });
    const reader = new StatementReader(note);
    near.on('data', (chunk: Buffer) => reader.take(chunk));
    near.pipe(far).pipe(near);
    if (stalled) [near, far].map((socket) => socket.pause());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String(address !== null && typeof address === 'object' ? address.port : 0);
  const cut = () => {
    refuses = true;
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    url: url.href,
    statements: (text) => sent.split(text).length - 1,
    cut,
    open: () => {
      refuses = false;
    },
    stall: (isStalled) => {
      stalled = isStalled;
      for (const socket of sockets)
        if (isStalled) socket.pause();
        else socket.resume();
    },
    close: () => {
      cut();
      server.close();
    },
  };
}
