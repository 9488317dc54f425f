import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Running } from '../../infra/local/launch.ts';
import { startNginx } from '../../infra/local/nginx.ts';
import { reserveAnyPort } from '../../infra/local/port.ts';
import { openPrefix } from '../../infra/local/prefix.ts';
import { sample } from '../support/long.form.ts';
import type { Caller, World } from '../support/world.ts';
import { KeptConnection } from './kept.connection.ts';

let folder: string;
let world: World;
let sender: Caller;
let reader: Caller;
let origins: Readonly<Record<string, string>>;
const started: Running[] = [];

async function nginxBefore(gatewayPort: number): Promise<string> {
  const port = await reserveAnyPort();
  const dir = join(folder, `nginx-${port}`);
  const folders = { dir, logs: folder, portal: folder, viewer: folder, cache: folder };
  const site = { prefix: openPrefix(inject('prefix')), ...folders };
  started.push(await startNginx({ ...site, port, gatewayPort }));
  return `https://localhost:${port}`;
}

const DICOM = 'Content-Type: application/dicom';
const as = (caller: Caller) => `Authorization: ${caller.authorization}`;
const next = 'GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n';
/** Bodies that contain requests. A server that reads the rest of a body as a new request would answer these requests. */
const bodies = [2_000, 300_000, 3_000_000].map((bytes) => Buffer.alloc(bytes, next));
const framings = ['content-length', 'chunked'] as const;
const ways = ['at once', 'after the answer', 'expecting 100'] as const;

type Case = { at: string; body: Buffer; framing: (typeof framings)[number]; way: (typeof ways)[number] };
const cases = (places: readonly string[]): Case[] =>
  places.flatMap((at) =>
    bodies.flatMap((body) => framings.flatMap((framing) => ways.map((way) => ({ at, body, framing, way })))),
  );

/** Sends a request that the gateway refuses, and then a second request on the same connection. Returns the fault, or undefined. */
async function faultOf(
  { at, body, framing, way }: Case,
  [line, ...headers]: readonly string[],
  statuses: readonly number[],
): Promise<string | undefined> {
  const connection = new KeptConnection(origins[at] ?? '');
  const chunked = framing === 'chunked';
  const length = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`;
  const expecting = way === 'expecting 100' ? ['Expect: 100-continue'] : [];
  const head = [`${line} HTTP/1.1`, 'Host: x', ...headers, length, ...expecting, '', ''].join('\r\n');
  const rest = chunked ? [`${body.length.toString(16)}\r\n`, body, '\r\n0\r\n\r\n'] : [body];
  try {
    await connection.send(head);
    let answer = way === 'at once' ? undefined : await connection.answer(1500);
    // Some clients send the body even after a refusal. The test sends only a part, so that the gateway still expects the rest.
    for (const part of rest) await connection.send(part);
    while (answer === undefined || answer.status === 100) {
      answer = await connection.answer(10_000);
      if (answer === undefined) return 'no answer';
    }
    if (!statuses.includes(answer.status)) return `${answer.status}: ${answer.body}`;
    if (/^connection: close/im.test(answer.head))
      return (await connection.ends(10_000)) && connection.unread === '' ? undefined : 'close, and stays';
    await connection.send(next);
    const second = await connection.answer(10_000);
    if (second?.status !== 200 || !second.body.includes('live'))
      return `then ${second?.status} ${second?.body}`;
    return (await connection.answer(100)) === undefined ? undefined : 'the body was taken for requests';
  } finally {
    connection.destroy();
  }
}

const both = ['gateway', 'nginx'];
type Row = {
  status: number;
  what: string;
  at: readonly string[];
  request: () => readonly string[];
  /** The gateway refuses only bodies above this size in bytes. */
  above?: number;
};
const refusals: readonly Row[] = [
  { status: 401, what: 'nobody known', at: both, request: () => ['POST /dicom-web/studies', DICOM] },
  { status: 401, what: 'a bad key', at: both, request: () => ['POST /dicom-web/studies', DICOM, 'Authorization: Bearer rgk_nothing'] },
  { status: 403, what: 'a right missing', at: both, request: () => ['POST /dicom-web/studies', DICOM, as(reader)] },
  { status: 404, what: 'an unknown path', at: both, request: () => ['POST /dicom-web/nothing', DICOM] },
  { status: 404, what: 'an unknown method', at: both, request: () => ['PUT /dicom-web/studies', DICOM] },
  { status: 400, what: 'a header sent twice', at: both, request: () => ['POST /dicom-web/studies', DICOM, 'Origin: http://a', 'Origin: http://b'] },
  { status: 400, what: 'a path that cannot be read', at: both, request: () => ['POST /dicom-web/%zz', DICOM] },
  { status: 415, what: 'another type', at: both, request: () => ['POST /dicom-web/studies', 'Content-Type: text/plain', as(sender)] },
  { status: 415, what: 'a coding', at: both, request: () => ['POST /dicom-web/studies', DICOM, 'Content-Encoding: gzip', as(sender)] },
  { status: 400, what: 'a broken multipart type', at: both, request: () => ['POST /dicom-web/studies', 'Content-Type: multipart/related', as(sender)] },
  { status: 409, what: 'no DICOM', at: both, request: () => ['POST /dicom-web/studies', DICOM, as(sender)] },
  { status: 503, what: 'no FHIR server', at: both, request: () => ['POST /api/imports', 'Content-Type: multipart/form-data; boundary=B', as(sender)] },
  { status: 413, what: 'a long JSON body', at: both, request: () => ['POST /api/auth/login', 'Content-Type: application/json'], above: 1_000_000 },
  { status: 503, what: 'an absent gateway', at: ['away'], request: () => ['POST /dicom-web/studies', DICOM] },
  { status: 405, what: 'a page', at: ['nginx'], request: () => ['POST /login', DICOM] },
  { status: 404, what: 'an address kept inside', at: ['nginx'], request: () => ['POST /metrics', DICOM] },
]; // prettier-ignore

/** The faults of all cases, one line for each fault. */
async function faultsOf(all: readonly Case[], request: readonly string[], statuses: readonly number[]) {
  const faults = await Promise.all(
    all.map(async (one) => {
      const fault = await faultOf(one, request, statuses);
      return fault === undefined ? [] : [`${one.at} ${one.body.length} ${one.framing} ${one.way}: ${fault}`];
    }),
  );
  return faults.flat();
}

/** Registers the tests of this file with the given gateway. */
export function registerEarlyRefusals(given: () => World): void {
  describe('early refusals', () => {
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'radgate-early-'));
      await writeFile(join(folder, 'login.html'), 'the sign-in page');
      world = given();
      sender = await world.machine([{ rights: ['studies:store', 'records:import'], scope: { kind: 'all' } }]);
      reader = await world.machine([{ rights: ['studies:read'], scope: { kind: 'all' } }]);
      const gateway = world.gateway.url;
      // No server listens on port 1.
      const [nginx, away] = [await nginxBefore(Number(new URL(gateway).port)), await nginxBefore(1)];
      origins = { gateway, nginx, away };
    });
    afterAll(async () => {
      for (const one of started) await one.stop();
      await rm(folder, { recursive: true });
    });

    // These tests mostly wait for a response that must not come, so several tests run concurrently.
    it.concurrent.for(refusals)(
      '$status for $what leaves the connection usable or says that it ends',
      async ({ status, at, request, above = 0 }, { expect }) => {
        const all = sample(
          cases(at).filter(({ body }) => body.length > above),
          6,
        );
        expect(await faultsOf(all, request(), [status])).toEqual([]);
      },
    );

    it('so does 429 for a flood of sign-ins', async () => {
      const flood = Array.from({ length: 4 }, () => cases(['nginx'])).flat();
      // nginx forwards the first requests to the gateway, and the gateway refuses their content type.
      expect(await faultsOf(flood, ['POST /api/auth/login', DICOM], [429, 415])).toEqual([]);
      expect(await readFile(join(folder, 'nginx.access.log'), 'utf8')).toMatch(/POST \/api\/auth 429/);
    });

    it('in HTTP/2 a refused upload ends no connection', async () => {
      const session = connect(origins['nginx'] ?? '', { rejectUnauthorized: false });
      const ask = async (method: string, path: string, body?: Buffer) => {
        const stream = session.request({
          ':path': path,
          ':method': method,
          'content-type': 'application/dicom',
        });
        // The gateway has refused the body, so the client stops sending it.
        stream.on('error', () => undefined);
        if (body !== undefined) stream.end(body);
        const [headers] = await once(stream, 'response');
        stream.resume();
        return headers[':status'];
      };
      try {
        for (const body of bodies) {
          expect(await ask('POST', '/dicom-web/studies', body)).toBe(401);
          expect(await ask('GET', '/health/live')).toBe(200);
        }
        expect(session.closed).toBe(false);
      } finally {
        session.destroy();
      }
    });
  });
}
