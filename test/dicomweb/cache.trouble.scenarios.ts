import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, fetch } from 'undici';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import type { Running } from '../../infra/local/launch.ts';
import { startNginx } from '../../infra/local/nginx.ts';
import { reserveAnyPort } from '../../infra/local/port.ts';
import { openPrefix } from '../../infra/local/prefix.ts';
import { type BreakingProxy, startBreakingProxy } from '../support/breaking.proxy.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { longForm } from '../support/long.form.ts';
import type { Caller, World } from '../support/world.ts';

const ONE = 'application/octet-stream; transfer-syntax=*';
const FRAME = 'multipart/related; type="application/octet-stream"; transfer-syntax=*';
const SIZE = 1_000 * 1_000;

/** What a test needs of the file that registers these scenarios. */
interface Stage {
  readonly world: World;
  readonly storer: Caller;
}

interface Image {
  readonly study: string;
  readonly series: string;
  readonly sop: string;
  readonly fill: number;
}

const pathOf = ({ study, series, sop }: Image) => `/studies/${study}/series/${series}/instances/${sop}`;

function fileOf({ study, series, sop, fill }: Image): Buffer {
  const extra = [element('7FE00010', 'OB', Buffer.alloc(SIZE, fill))];
  return makeInstance({ studyUid: study, seriesUid: series, sopUid: sop, rows: 1_000, columns: 500, extra });
}

async function stored({ world, storer }: Stage, count: number): Promise<Image[]> {
  const [study, series] = [freshUid(), freshUid()];
  const images = Array.from({ length: count }, (_, at) => ({ study, series, sop: freshUid(), fill: at + 1 }));
  for (const image of images) await world.store(storer, [fileOf(image)]).expect(200);
  return images;
}

/** The rows of the audit about reads of this account. */
function rowsOf({ world }: Stage, caller: Caller | undefined) {
  return world.sql`
    select kind, action, requests::int, instances::int, frames::int, bytes::int from audit
    where kind in ('opened', 'totals') and account_id = ${caller?.id ?? null} order by action, kind`;
}

/** Gateways that are killed, lose their archive, or stand behind an nginx that does not have their files. */
export function cacheTroubleScenarios(stage: () => Stage): void {
  describe('the cache in trouble', () => {
    const trusting = new Agent({ connect: { rejectUnauthorized: false } });
    let folder: string;
    let cache: string;
    let proxy: BreakingProxy;
    let gateway: TestGateway;
    let ours: Running;
    let other: Running;
    let origins: Record<'gateway' | 'ours' | 'other', string>;
    let readers: Caller[];

    const settings = (archive: string) => {
      const { PORT: _, DATA_DIR: __, ...env } = stage().world.gateway.env;
      return { ...env, CACHE_DIR: cache, ORTHANC_URL: archive };
    };
    const nginxOn = async (name: string, files: string) => {
      const port = await reserveAnyPort();
      const gatewayPort = Number(new URL(gateway.url).port);
      const dirs = { dir: join(folder, name), logs: folder, portal: folder, viewer: folder, cache: files };
      const running = await startNginx({ prefix: openPrefix(inject('prefix')), port, gatewayPort, ...dirs });
      return { running, origin: `https://localhost:${port}` };
    };
    const get = async (
      origin: string,
      path: string,
      caller: Caller | undefined,
      accept = ONE,
      more: Readonly<Record<string, string>> = {},
    ) => {
      const headers = { authorization: caller?.authorization ?? '', accept, ...more };
      const answer = await fetch(`${origin}/dicom-web${path}`, { headers, dispatcher: trusting });
      return { status: answer.status, body: Buffer.from(await answer.arrayBuffer()) };
    };

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'radgate-trouble-'));
      cache = join(folder, 'cache');
      const empty = join(folder, 'empty');
      await mkdir(empty);
      proxy = await startBreakingProxy(stage().world.orthanc.url);
      gateway = await startTestGateway(settings(proxy.url));
      const [one, two] = [await nginxOn('ours', cache), await nginxOn('other', empty)];
      [ours, other] = [one.running, two.running];
      origins = { gateway: gateway.url, ours: one.origin, other: two.origin };
      const grant = { rights: ['studies:read'], scope: { kind: 'all' } };
      readers = [];
      for (const _ of Object.keys(origins)) readers.push(await stage().world.person(grant));
    });
    afterAll(async () => {
      await trusting.close();
      for (const running of [ours, other]) await running?.stop();
      await proxy?.stop();
      await rm(folder, { recursive: true, force: true });
    });

    it('gives the same bytes through an nginx that has the files, and through one that has not', async () => {
      const [image] = await stored(stage(), 1);
      if (image === undefined) throw new Error('nothing stored');
      const asked: [string, string, Record<string, string>][] = [
        ['/frames/1', ONE, {}],
        ['/frames/1', FRAME, {}],
        ['/frames/1', ONE, { range: 'bytes=5-9' }],
        ['/frames/1', ONE, { 'if-match': '"other"' }],
        ['/frames/1', ONE, { 'if-unmodified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' }],
        ['/frames/1', ONE, { 'if-modified-since': 'Fri, 01 Jan 2100 00:00:00 GMT' }],
        ['/bulk/7FE00010', 'application/octet-stream', {}],
        ['/metadata', 'application/dicom+json', {}],
        ['/thumbnail', 'image/jpeg', {}],
      ];
      for (const [end, accept, headers] of asked) {
        const answers = [];
        for (const [at, origin] of Object.values(origins).entries())
          answers.push(await get(origin, `${pathOf(image)}${end}`, readers[at], accept, headers));
        const [first] = answers;
        for (const { status, body } of answers)
          expect([end, status, body.equals(first?.body ?? body)]).toEqual([end, first?.status, true]);
      }
    });

    it('gives an error to each of the clients that wait for a body when the archive is lost', async () => {
      const [image] = await stored(stage(), 1);
      if (image === undefined) throw new Error('nothing stored');
      const trapped = proxy.trap(/\/frames\/0\/raw/, 'answer');
      const waiting = Array.from({ length: 6 }, () =>
        get(gateway.url, `${pathOf(image)}/frames/1`, readers[2]).then(
          ({ status }) => status,
          () => 'reset',
        ),
      );
      await trapped;
      await proxy.stop();
      for (const answer of await Promise.all(waiting)) expect([503, 'reset']).toContain(answer);
      expect(await readdir(join(cache, image.study)).catch(() => [])).toEqual([]);
    });

    it('has the same rows in the audit with and without nginx', async () => {
      // A gateway that is shut down writes the totals of its reads.
      await gateway.stop();
      const [direct, byNginx] = [await rowsOf(stage(), readers[0]), await rowsOf(stage(), readers[1])];
      const totals = direct.filter((row) => row['kind'] === 'totals').map((row) => String(row['action']));
      expect(totals).toEqual(['read bulk', 'read frames', 'read metadata', 'read rendered']);
      expect([...byNginx]).toEqual([...direct]);
    });

    it('has no incomplete body after gateways were killed while they wrote', async () => {
      const { world } = stage();
      const images = await stored(stage(), 5);
      for (let time = 0; time < longForm(20, 1); time += 1) {
        const killed = await startTestGateway(settings(world.orthanc.url));
        const asked = images.map((image) =>
          get(killed.url, `${pathOf(image)}/frames/1`, readers[0]).catch(() => undefined),
        );
        await sleep(30 + ((time * 37) % 200));
        await killed.leave();
        await Promise.all(asked);
      }
      const restarted = await startTestGateway(settings(world.orthanc.url));
      try {
        for (const image of images) {
          const { status, body } = await get(restarted.url, `${pathOf(image)}/frames/1`, readers[0]);
          expect([status, body.length]).toEqual([200, SIZE]);
          expect(body.every((byte) => byte === image.fill)).toBe(true);
        }
      } finally {
        await restarted.leave();
      }
    });
  });
}
