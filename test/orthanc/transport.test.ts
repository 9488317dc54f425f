import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { OrthancApi } from '../../src/orthanc/orthanc.api.ts';
import { OrthancBytes } from '../../src/orthanc/orthanc.bytes.ts';
import { orthancIdOf } from '../../src/orthanc/orthanc.id.ts';
import { NeighbourAway, UpstreamFailed } from '../../src/problems/errors.ts';

const ID = orthancIdOf('PATIENT', '1.2.3', '1.2.3.4', '1.2.3.4.5');
const IS_THERE = { CountStudies: 1, CountSeries: 2, CountInstances: 3, TotalDiskSize: 4 };

type Answer = (request: IncomingMessage, response: ServerResponse, onConnection: number) => void;

interface Archive {
  server: Server;
  api: OrthancApi;
  bytes: OrthancBytes;
  /** The received requests. `connections` is the number of connections. */
  requests: string[];
  connections: number;
}

const archives: Archive[] = [];
afterEach(async () => {
  for (const { api, bytes, server } of archives.splice(0)) {
    await api.onApplicationShutdown();
    await bytes.onApplicationShutdown();
    server.closeAllConnections();
    server.close();
  }
});

/** A local server that replaces the archive. `answer` gets the number of the request on its connection. */
async function archiveThat(answer: Answer): Promise<Archive> {
  const counts = new WeakMap<Socket, number>();
  const server = createServer({ keepAliveTimeout: 1000 }, (request, response) => {
    const count = (counts.get(request.socket) ?? 0) + 1;
    counts.set(request.socket, count);
    made.requests.push(`${request.method} ${request.url}`);
    answer(request, response, count);
  });
  server.on('connection', () => (made.connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const env = {
    ORTHANC_URL: `http://127.0.0.1:${address.port}`,
    ORTHANC_USERNAME: 'user',
    ORTHANC_PASSWORD: 'password',
  };
  const made: Archive = {
    server,
    api: new OrthancApi(env),
    bytes: new OrthancBytes(env),
    requests: [],
    connections: 0,
  };
  archives.push(made);
  return made;
}

function json(response: ServerResponse, value: unknown): void {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(value));
}

/** Calls of both kinds: calls that return small JSON, and calls that return bytes. */
const CALLS = {
  json: ({ api }: Archive): Promise<unknown> => api.statistics(),
  bytes: async ({ bytes }: Archive): Promise<unknown> =>
    JSON.parse(await text((await bytes.instanceFile(ID, 100)).stream)),
};
const KINDS = ['json', 'bytes'] as const;

describe.each(KINDS)('a call for %s', (kind) => {
  const call = CALLS[kind];

  it('keeps its connection for the next one', async () => {
    const there = await archiveThat((_, response) => json(response, IS_THERE));
    for (let count = 0; count < 20; count += 1) expect(await call(there)).toEqual(IS_THERE);
    expect(there.connections).toBeLessThan(10);
  });

  it('is asked once more, by a fresh connection, when a kept one was closed beneath it', async () => {
    const there = await archiveThat((request, response, count) => {
      if (count > 1) request.socket.destroy();
      else json(response, IS_THERE);
    });
    for (let count = 0; count < 20; count += 1) expect(await call(there)).toEqual(IS_THERE);
    expect(there.requests.length).toBeGreaterThan(20);
  });

  it('is asked once more only: an archive that closes every connection is away', async () => {
    const there = await archiveThat((request) => request.socket.destroy());
    await expect(call(there)).rejects.toBeInstanceOf(NeighbourAway);
    expect(there.requests).toHaveLength(2);
  });

  it('names neither credentials nor address in its error', async () => {
    const there = await archiveThat((request) => request.socket.destroy());
    const error: unknown = await call(there).catch((thrown: unknown) => thrown);
    expect(JSON.stringify(error, ['message', 'stack', 'cause', 'config', 'headers'])).not.toMatch(
      /password|127\.0/,
    );
  });
});

it('a call ends when the archive never answers, stops in the middle of its answer, or is not there', async () => {
  const begun = await Promise.all(
    KINDS.map(async (kind) => {
      const call = CALLS[kind];
      const silent = await archiveThat(() => undefined);
      const half = await archiveThat((_, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '30' });
        response.write('{"CountStudies"');
      });
      return { kind, call, silent, half, ends: Promise.allSettled([call(silent), call(half)]) };
    }),
  );
  const asked = () => begun.flatMap(({ silent, half }) => [silent.requests.length, half.requests.length]);
  await expect.poll(asked).toEqual([1, 1, 1, 1]);
  const began = Date.now();
  const all = Promise.all(begun.map(({ ends }) => ends));
  // The limits of calls are 10 and 20 seconds. The other workers use the processor meanwhile.
  await all;
  expect(Date.now() - began).toBeLessThan(25_000);
  expect(asked()).toEqual([1, 1, 1, 1]);
  for (const { kind, call, silent, ends } of begun) {
    for (const end of await ends)
      expect([kind, end]).toMatchObject([kind, { reason: expect.any(NeighbourAway) }]);
    silent.server.closeAllConnections();
    await new Promise((resolve) => silent.server.close(resolve));
    await expect(call(silent)).rejects.toBeInstanceOf(NeighbourAway);
  }
});

describe('what is asked', () => {
  it('a question by POST is asked again too, and an object that is stored is not', async () => {
    const closing = await archiveThat((request) => request.socket.destroy());
    await expect(closing.api.filesOf([ID])).rejects.toBeInstanceOf(NeighbourAway);
    expect(closing.requests).toHaveLength(2);
    const body = Readable.from([Buffer.alloc(10)], { objectMode: false });
    await expect(closing.bytes.storeInstance(body)).rejects.toBeInstanceOf(NeighbourAway);
    expect(closing.requests).toHaveLength(3);
  });

  it('an answer of JSON without end is cut off where it cannot be right any more', async () => {
    let sent = 0;
    const endless = await archiveThat((request, response) => {
      request.resume();
      response.setHeader('content-type', 'application/json');
      const piece = Buffer.alloc(1024 * 1024, ' ');
      const more = () => {
        while (!response.destroyed && sent < 512) {
          sent += 1;
          if (!response.write(piece)) return void response.once('drain', more);
        }
      };
      more();
    });
    await expect(endless.api.instanceTags(ID)).rejects.toBeInstanceOf(UpstreamFailed);
    expect(sent).toBeLessThan(200);
    sent = 0;
    const body = Readable.from([Buffer.alloc(10)], { objectMode: false });
    await expect(endless.bytes.storeInstance(body)).rejects.toBeInstanceOf(UpstreamFailed);
    expect(sent).toBeLessThan(200);
  });

  it('the status of the archive is told apart: not there, away, refused', async () => {
    let status = 404;
    const there = await archiveThat((_, response) => response.writeHead(status).end('{}'));
    expect(await there.api.holds('instances', ID)).toBe(false);
    await there.api.deleteInstance(ID);
    status = 503;
    await expect(there.api.system()).rejects.toBeInstanceOf(NeighbourAway);
    status = 400;
    await expect(there.api.system()).rejects.toMatchObject({ status: 400 });
    status = 200;
    await expect(there.api.system()).rejects.toBeInstanceOf(UpstreamFailed);
  });
});
