import { connect, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startWorld, type World } from '../support/world.ts';
import { login, sessionOf, tokensOf } from './signing.in.ts';

let world: World;
let line: Line;

/** A TCP proxy in front of PostgreSQL. The test cuts the connections of the proxy, because other tests use the same PostgreSQL server. */
class Line {
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;

  constructor(host: string, port: number) {
    this.server = createServer((near) => {
      const far = connect(port, host);
      for (const socket of [near, far]) {
        this.sockets.add(socket);
        socket.on('error', () => undefined).on('close', () => [near, far].map((end) => end.destroy()));
      }
      near.pipe(far).pipe(near);
    });
  }

  async open(port = 0): Promise<number> {
    await once(this.server.listen(port, '127.0.0.1'), 'listening');
    return z.object({ port: z.number() }).parse(this.server.address()).port;
  }

  async cut(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}

let port: number;

beforeAll(async () => {
  world = await startWorld(async ({ database }) => {
    const url = new URL(database.appUrl);
    line = new Line(url.hostname, Number(url.port));
    port = await line.open();
    url.port = String(port);
    return { DATABASE_URL: url.href };
  });
});
afterAll(async () => {
  await world?.stop();
  await line?.cut();
});

describe('while Postgres is away', () => {
  test('every sign-in is 503, and works again when PostgreSQL is back', async () => {
    const person = await world.person();
    const machine = await world.machine();
    const { cookie } = await sessionOf(world, person);
    const { refresh_token } = await tokensOf(world, person);
    const me = (header: Record<string, string>) => world.http.get('/api/me').set(header);
    const ask = async () => [
      await me({ authorization: person.authorization }),
      await me({ authorization: machine.authorization }),
      await me({ cookie }),
      await login(world, { username: person.name, password: person.password }),
      await login(world, { username: person.name, password: 'wrong' }),
      await world.http.post('/api/auth/refresh').send({ refresh_token }),
    ];
    await line.cut();
    for (const answer of await ask()) {
      expect(answer.status).toBe(503);
      expect(answer.headers['retry-after']).toBe('5');
      expect(answer.text).not.toMatch(/postgres|127\.0|select/i);
    }
    await line.open(port);
    await expect
      .poll(async () => (await ask()).map(({ status }) => status), { timeout: 15_000 })
      .toEqual([200, 200, 200, 200, 401, 200]);
  });
});
