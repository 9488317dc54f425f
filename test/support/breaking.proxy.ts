import { connect, createServer, type Socket } from 'node:net';

/** One connection through the proxy, with the number of bytes that the gateway has sent, and functions that break the connection. */
export interface BrokenConnection {
  readonly sent: number;
  /** Resets the connections to both sides, like a crash of the archive. */
  reset: () => void;
}

/** A proxy in front of the archive. A test can reset or stall its connections. */
export interface BreakingProxy {
  readonly url: string;
  readonly connections: readonly BrokenConnection[];
  /**
   * Resolves when a matching request or the archive's response to it arrives at the proxy. The proxy does not forward the request
   * (`request`) or the response (`answer`). So the archive has either not received the request, or has carried it out without a response to
   * the gateway.
   */
  trap: (request: RegExp, at: 'request' | 'answer') => Promise<void>;
  /** If true, the proxy forwards no bytes in either direction, not even on new connections. It then behaves like an archive that hangs. */
  stall: (stalled: boolean) => void;
  stop: () => Promise<void>;
}

interface Trap {
  readonly request: RegExp;
  readonly at: 'request' | 'answer';
  readonly sprung: () => void;
}

/** Starts a proxy in front of the archive at `target`. */
export async function startBreakingProxy(target: string): Promise<BreakingProxy> {
  const { hostname, port } = new URL(target);
  const open = new Map<Socket, { far: Socket; connection: BrokenConnection }>();
  let stalled = false;
  let trap: Trap | undefined;
  const hold = (near: Socket, far: Socket) => {
    for (const socket of [near, far]) {
      if (stalled) socket.pause();
      else socket.resume();
    }
  };
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ host: hostname, port: Number(port), noDelay: true });
    const reset = () => {
      near.resetAndDestroy();
      far.resetAndDestroy();
    };
    open.set(near, {
      far,
      connection: {
        get sent() {
          return near.bytesRead;
        },
        reset,
      },
    });
    let held = false;
    // The trap of this connection. A second piece of the answer must not spring a later trap of another connection.
    let answering: Trap | undefined;
    const isTrapped = () => held || answering !== undefined;
    pass(near, far, (chunk) => {
      // If the beginning of a request was not forwarded, the rest is not forwarded either.
      if (held) return false;
      if (trap === undefined || !trap.request.test(chunk.toString('latin1', 0, 200))) return true;
      if (trap.at === 'answer') {
        answering = trap;
        return true;
      }
      held = true;
      trap.sprung();
      return false;
    });
    pass(
      far,
      near,
      () => {
        answering?.sprung();
        return answering === undefined;
      },
      isTrapped,
    );
    near.on('error', reset);
    far.on('error', () => {
      if (!isTrapped()) reset();
    });
    near.on('close', () => open.delete(near));
    if (stalled) hold(near, far);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    get connections() {
      return [...open.values()].map(({ connection }) => connection);
    },
    trap: (request, at) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const made: Trap = {
        request,
        at,
        sprung: () => {
          if (trap === made) trap = undefined;
          resolve();
        },
      };
      trap = made;
      return promise;
    },
    stall: (now) => {
      stalled = now;
      for (const [near, { far }] of open) hold(near, far);
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const { connection } of open.values()) connection.reset();
      }),
  };
}

/**
 * Copies each chunk for which `may` returns true from `from` to `to`, with backpressure. If `from` ends, `to` is ended too, unless `keeps`
 * returns true: the archive closes an idle connection after one second, and a trapped request must not be retried because of that.
 */
function pass(
  from: Socket,
  to: Socket,
  may: (chunk: Buffer) => boolean,
  keeps: () => boolean = () => false,
): void {
  from.on('data', (chunk: Buffer) => {
    if (!may(chunk)) return;
    if (to.write(chunk)) return;
    from.pause();
    to.once('drain', () => from.resume());
  });
  from.on('end', () => {
    if (!keeps()) to.end();
  });
  from.on('close', () => {
    if (!keeps()) to.destroy();
  });
}
