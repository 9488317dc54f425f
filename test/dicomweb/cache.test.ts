import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, fetch } from 'undici';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import type { Running } from '../../infra/local/launch.ts';
import { startNginx } from '../../infra/local/nginx.ts';
import { reserveAnyPort } from '../../infra/local/port.ts';
import { openPrefix } from '../../infra/local/prefix.ts';
import { aheadScenarios } from './ahead.scenarios.ts';
import { cacheOperationsScenarios } from './cache.operations.scenarios.ts';
import { cacheTroubleScenarios } from './cache.trouble.scenarios.ts';
import { type Caller, startWorld, type World } from '../support/world.ts';

const FRAME = 'multipart/related; type="application/octet-stream"; transfer-syntax=*';
const ONE = 'application/octet-stream; transfer-syntax=*';
const BULK = 'multipart/related; type="application/octet-stream"';
const JSON_TYPE = 'application/dicom+json';
const SIZE = 1_000 * 1_000;

let world: World;
let storer: Caller;
/** May store and delete. */
let deleter: Caller;
let reader: Caller;
let cache: string;
let nginx: Running;
let carried: string;
const trusting = new Agent({ connect: { rejectUnauthorized: false } });

beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'radgate-cached-'));
  world = await startWorld({
    CACHE_DIR: cache,
    ACCEL_REDIRECT: '/cached',
    TRUSTED_PROXIES: '127.0.0.1',
    DELETE_MODE: 'remove',
  });
  storer = await world.machine();
  deleter = await world.machine([{ rights: ['studies:store', 'studies:delete'], scope: { kind: 'all' } }]);
  reader = await world.person({
    rights: ['studies:read', 'studies:delete'],
    scope: { kind: 'all' },
  });
  const port = await reserveAnyPort();
  const folder = await mkdtemp(join(tmpdir(), 'radgate-carrying-'));
  nginx = await startNginx({
    prefix: openPrefix(inject('prefix')),
    dir: join(folder, 'nginx'),
    logs: folder,
    port,
    gatewayPort: Number(new URL(world.gateway.url).port),
    portal: folder,
    viewer: folder,
    cache,
  });
  carried = `https://localhost:${port}`;
});
afterAll(async () => {
  await trusting.close();
  await nginx?.stop();
  await world?.stop();
  await rm(cache, { recursive: true, force: true });
});

interface Stored {
  readonly study: string;
  readonly series: string;
  readonly sop: string;
  readonly path: string;
}

function fileOf({ study, series, sop }: Omit<Stored, 'path'>, fill: number): Buffer {
  const extra = [element('7FE00010', 'OB', Buffer.alloc(SIZE, fill))];
  return makeInstance({ studyUid: study, seriesUid: series, sopUid: sop, rows: 1_000, columns: 500, extra });
}

async function stored(fill: number): Promise<Stored> {
  const [study, series, sop] = [freshUid(), freshUid(), freshUid()];
  await world.store(storer, [fileOf({ study, series, sop }, fill)]).expect(200);
  return { study, series, sop, path: `/studies/${study}/series/${series}/instances/${sop}` };
}

interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

async function get(
  path: string,
  accept: string,
  more: Readonly<Record<string, string>> = {},
  origin = world.gateway.url,
): Promise<Got> {
  const headers = { authorization: reader.authorization, accept, ...more };
  const answer = await fetch(`${origin}/dicom-web${path}`, { headers, dispatcher: trusting });
  const body = Buffer.from(await answer.arrayBuffer());
  return { status: answer.status, headers: Object.fromEntries(answer.headers), body };
}

const frame = (one: Stored) => get(`${one.path}/frames/1`, ONE);
const cachedFiles = ({ study }: Stored) => readdir(join(cache, study)).catch(() => []);
const isFilledWith = ({ status, body }: Got, fill: number) =>
  status === 200 && body.length === SIZE && body.every((byte) => byte === fill);

describe('a body in the cache', () => {
  it.each([
    ['a frame', '/frames/1', FRAME],
    ['a frame as one body', '/frames/1', ONE],
    ['a picture', '/rendered', 'image/jpeg'],
    ['a thumbnail', '/thumbnail', 'image/png'],
    ['metadata', '/metadata', JSON_TYPE],
    ['metadata (gzip)', '/metadata', JSON_TYPE],
    ['metadata (zstd)', '/metadata', JSON_TYPE],
    ['bulk data', '/bulk/7FE00010', 'application/octet-stream'],
  ])('%s is the same when it is made and later, and with and without nginx', async (name, end, accept) => {
    const one = await stored(7);
    const encoding = { 'accept-encoding': /\((.*)\)/.exec(name)?.[1] ?? 'identity' };
    const ask = (origin?: string) => get(`${one.path}${end}`, accept, encoding, origin);
    const [made, again, byNginx] = [await ask(), await ask(), await ask(carried)];
    expect(await cachedFiles(one)).not.toEqual([]);
    expect(made.status).toBe(200);
    for (const { status, headers, body } of [again, byNginx]) {
      expect(status).toBe(200);
      expect(body.equals(made.body)).toBe(true);
      for (const header of [
        'content-type',
        'content-encoding',
        'content-length',
        'etag',
        'vary',
        'cache-control',
      ])
        expect([header, headers[header]]).toEqual([header, made.headers[header]]);
    }
    expect(made.headers['server-timing']).toMatch(
      /^auth;dur=[\d.]+, catalog;dur=[\d.]+, archive;dur=[\d.]+, total;dur=[\d.]+$/,
    );
    for (const { headers } of [again, byNginx]) expect(headers['server-timing']).toMatch(/, cache;dur=/);
    expect(byNginx.headers['last-modified']).toBeUndefined();
    expect(byNginx.headers['accept-ranges']).toBe(made.headers['accept-ranges']);
    expect(byNginx.headers['x-frame-options']).toBe('SAMEORIGIN');
    const same = await get(`${one.path}${end}`, accept, {
      ...encoding,
      'if-none-match': made.headers['etag'] ?? '',
    });
    expect([same.status, same.body.length]).toEqual([304, 0]);
  });

  it('is not sent after a client asks for the file of another client', async () => {
    const one = await stored(7);
    await frame(one);
    const [name] = await cachedFiles(one);
    const answer = await fetch(`${carried}/cached/${one.study}/${name}`, { dispatcher: trusting });
    expect(answer.status).toBe(404);
    const forged = await get(`${one.path}/frames/1`, ONE, { 'x-sendfile-type': 'X-Accel-Redirect' });
    expect(isFilledWith(forged, 7)).toBe(true);
    const stranger = await world.person({
      rights: ['studies:read'],
      scope: { kind: 'study', study_uid: '1.2' },
    });
    const refused = await get(
      `${one.path}/frames/1`,
      ONE,
      { authorization: stranger.authorization },
      carried,
    );
    expect([refused.status, refused.headers['server-timing']]).toEqual([404, undefined]);
  });

  it.each(['/frames/1', '/bulk/7FE00010'])('%s can be read in ranges, if it is one body', async (end) => {
    const one = await stored(7);
    const type = end.startsWith('/bulk') ? 'application/octet-stream' : ONE;
    const whole = await get(`${one.path}${end}`, type);
    const etag = whole.headers['etag'] ?? '';
    for (const origin of [world.gateway.url, carried]) {
      const part = await get(`${one.path}${end}`, type, { range: 'bytes=10-19', 'if-range': etag }, origin);
      expect([part.status, part.headers['content-range'], part.body.length]).toEqual([
        206,
        `bytes 10-19/${SIZE}`,
        10,
      ]);
      const other = await get(
        `${one.path}${end}`,
        type,
        { range: 'bytes=10-19', 'if-range': '"other"' },
        origin,
      );
      expect(isFilledWith(other, 7)).toBe(true);
      expect((await get(`${one.path}${end}`, type, { range: `bytes=${SIZE}-` }, origin)).status).toBe(416);
      const inParts = end.startsWith('/bulk') ? BULK : FRAME;
      expect((await get(`${one.path}${end}`, inParts, { range: 'bytes=10-19' }, origin)).status).toBe(200);
    }
  });

  it.each([
    ['other bytes', (path: string) => writeFile(path, Buffer.alloc(SIZE, 9))],
    ['a missing end', (path: string) => writeFile(path, Buffer.alloc(100, 7))],
    ['no file', (path: string) => rm(path)],
  ])('is made again if the disk has %s', async (_, damage) => {
    const one = await stored(7);
    await frame(one);
    const [name = ''] = await cachedFiles(one);
    await damage(join(cache, one.study, name));
    expect(isFilledWith(await get(`${one.path}/frames/1`, ONE, {}, carried), 7)).toBe(true);
    expect(isFilledWith(await frame(one), 7)).toBe(true);
    await expect.poll(() => cachedFiles(one)).toHaveLength(1);
  });

  it('is deleted with its instance, and other content under the same UIDs is read at once', async () => {
    const one = await stored(7);
    await frame(one);
    await world.http.delete(`/dicom-web${one.path}`).set('authorization', reader.authorization).expect(204);
    expect((await frame(one)).status).toBe(404);
    await expect.poll(() => cachedFiles(one), { timeout: 5_000 }).toEqual([]);
    await world.store(storer, [fileOf(one, 8)]).expect(200);
    expect(isFilledWith(await frame(one), 8)).toBe(true);
    expect(isFilledWith(await get(`${one.path}/frames/1`, ONE, {}, carried), 8)).toBe(true);
  });

  it('is made once for many clients, and counted for each of them', async () => {
    const one = await stored(7);
    const answers = await Promise.all(Array.from({ length: 12 }, () => frame(one)));
    for (const answer of answers) expect(isFilledWith(answer, 7)).toBe(true);
    expect(await cachedFiles(one)).toHaveLength(1);
  });

  it('survives a killed gateway; the rest of a file that was being written does not become a body', async () => {
    const one = await stored(7);
    await frame(one);
    const [name = ''] = await cachedFiles(one);
    const half = await readFile(join(cache, one.study, name));
    await writeFile(
      join(cache, one.study, name.replace(`.${SIZE}.`, `.${SIZE + 1}.`)),
      half.subarray(0, 1_000),
    );
    const restarted = await world.secondGateway();
    try {
      const ask = () => get(`${one.path}/frames/1`, ONE, {}, restarted.url);
      await expect.poll(async () => isFilledWith(await ask(), 7)).toBe(true);
      await expect.poll(() => cachedFiles(one)).toEqual([name]);
    } finally {
      await restarted.leave();
    }
  });
});

describe('without a usable cache', () => {
  const broken: [string, () => Promise<Awaited<ReturnType<World['secondGateway']>>>][] = [
    ['a full disk', () => world.secondGateway(['prlimit', '--fsize=600000'])],
  ];
  it.each(broken)('requests are answered from the archive: %s', async (_, start) => {
    const one = await stored(7);
    const gateway = await start();
    try {
      for (let time = 0; time < 3; time += 1)
        expect(isFilledWith(await get(`${one.path}/frames/1`, ONE, {}, gateway.url), 7)).toBe(true);
      expect((await get(`${one.path}/metadata`, JSON_TYPE, {}, gateway.url)).status).toBe(200);
      expect((await readdir(join(cache, 'partial'))).length).toBe(0);
    } finally {
      await gateway.leave();
    }
  });
});

aheadScenarios(() => ({ world, storer, reader }));
cacheTroubleScenarios(() => ({ world, storer }));
cacheOperationsScenarios(() => ({ world, storer: deleter, cache }));
