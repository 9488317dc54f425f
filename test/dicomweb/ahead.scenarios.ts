import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import type { Caller, World } from '../support/world.ts';

const FRAME = 'multipart/related; type=application/octet-stream; transfer-syntax=*';
const JSON_TYPE = 'application/dicom+json';
const WAIT = { timeout: 20_000, interval: 100 };
const FRAMES = 5;

/** What a test needs of the file that registers these scenarios. */
interface Stage {
  readonly world: World;
  readonly storer: Caller;
  readonly reader: Caller;
}

interface Study {
  readonly uid: string;
  /** Paths below the root of the service with their Accept headers: what a viewer asks for first. */
  readonly asked: readonly (readonly [path: string, accept: string])[];
  readonly files: readonly Buffer[];
}

/** A study with a series of single images and a series with one multi-frame image. */
function studyOf(uid: string): Study {
  const [one, other] = [freshUid(), freshUid()];
  const sops = [freshUid(), freshUid(), freshUid()];
  const multi = freshUid();
  const common = { studyUid: uid, rows: 16, columns: 16 };
  const files = [
    ...sops.map((sopUid, at) => makeInstance({ ...common, seriesUid: one, sopUid, instanceNumber: at + 1 })),
    makeInstance({ ...common, seriesUid: other, sopUid: multi, frames: FRAMES }),
  ];
  const [first, second] = [`/studies/${uid}/series/${one}`, `/studies/${uid}/series/${other}`];
  const numbers = Array.from({ length: FRAMES }, (_, at) => at + 1);
  return {
    uid,
    files,
    asked: [
      [`/studies/${uid}/metadata`, JSON_TYPE],
      [`${first}/metadata`, JSON_TYPE],
      [`${second}/metadata`, JSON_TYPE],
      [`${first}/thumbnail`, 'image/jpeg'],
      [`${first}/instances/${sops[1]}/thumbnail`, 'image/jpeg'],
      ...sops.map((sop) => [`${first}/instances/${sop}/frames/1`, FRAME] as const),
      ...sops.map((sop) => [`${first}/instances/${sop}/rendered`, 'image/jpeg'] as const),
      ...numbers.map((frame) => [`${second}/instances/${multi}/frames/${frame}`, FRAME] as const),
    ],
  };
}

function withoutBoundary(text: string): string {
  return text.replaceAll(/--[0-9a-f]{32}/g, '--');
}

function store({ world, storer }: Stage, { files }: Study) {
  return world.store(storer, files).set('connection', 'close').expect(200);
}

/** The number of files of this study. Metadata has two more files for each resource, which are compressed. */
function fileCount({ asked }: Study): number {
  return asked.length + 2 * asked.filter(([path]) => path.endsWith('/metadata')).length;
}

async function ask({ reader }: Stage, url: string, path: string, accept: string) {
  const answer = await fetch(`${url}/dicom-web${path}`, {
    headers: { authorization: reader.authorization, accept },
  });
  return { status: answer.status, text: await answer.text() };
}

/** The times at which the files of a folder were written. */
async function timesOf(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return Promise.all(names.map(async (name) => (await stat(join(folder, name))).mtimeMs));
}

/** Bodies that the gateway makes before a client asks for them. */
export function aheadScenarios(stage: () => Stage): void {
  describe('bodies made in advance', () => {
    let folder: string;
    let gateway: TestGateway;
    const settings = () => {
      const { PORT: _, DATA_DIR: __, ACCEL_REDIRECT: ___, ...env } = stage().world.gateway.env;
      return { ...env, CACHE_DIR: folder, CACHE_AHEAD_PERCENT: '100' };
    };
    const made = ({ uid }: Study) => readdir(join(folder, uid)).catch((): string[] => []);
    const isMade = (study: Study) =>
      expect.poll(async () => (await made(study)).length, WAIT).toBeGreaterThanOrEqual(fileCount(study));

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'radgate-ahead-'));
      gateway = await startTestGateway(settings());
    });
    afterAll(async () => {
      await gateway?.leave();
      await rm(folder, { recursive: true, force: true });
    });

    it('are equal to those made at first use, need no call to the archive, and are no reads in the audit', async () => {
      const study = studyOf(freshUid());
      await store(stage(), study);
      await isMade(study);
      const rows = await stage().world.sql`
        select from audit where study_uid = ${study.uid} and kind in ('opened', 'totals')`;
      expect(rows).toHaveLength(0);
      // The first read looks at the catalog again, but not at the archive.
      const before = gateway.upstream?.requests.length;
      const answers = [];
      for (const [path, accept] of study.asked) answers.push(await ask(stage(), gateway.url, path, accept));
      const calls = gateway.upstream?.requests.slice(before) ?? [];
      expect(calls.filter((call) => call.includes('/instances'))).toEqual([]);
      for (const [at, [path, accept]] of study.asked.entries()) {
        const atFirstUse = await ask(stage(), stage().world.gateway.url, path, accept);
        expect([path, answers[at]?.status]).toEqual([path, 200]);
        expect(withoutBoundary(answers[at]?.text ?? '')).toBe(withoutBoundary(atFirstUse.text));
      }
    });

    it('are made first for the study that a client has opened', async () => {
      const [opened, later] = [studyOf(freshUid()), studyOf(freshUid())];
      await store(stage(), opened);
      await store(stage(), later);
      await ask(stage(), gateway.url, `/studies/${opened.uid}/series`, JSON_TYPE);
      await isMade(later);
      expect(Math.max(...(await timesOf(join(folder, opened.uid))))).toBeLessThan(
        Math.min(...(await timesOf(join(folder, later.uid)))),
      );
    });

    it('are made by one of the gateways that share a folder, and after a restart', async () => {
      const study = studyOf(freshUid());
      await gateway.leave();
      await store(stage(), study);
      const [one, other] = await Promise.all([startTestGateway(settings()), startTestGateway(settings())]);
      gateway = one;
      try {
        await isMade(study);
        const keys = (await made(study)).map((name) => name.slice(0, 43));
        expect(keys).toHaveLength(new Set(keys).size);
        const before = other.upstream?.requests.length;
        for (const [path, accept] of study.asked)
          expect((await ask(stage(), other.url, path, accept)).status).toBe(200);
        const calls = other.upstream?.requests.slice(before) ?? [];
        expect(calls.filter((call) => call.includes('/instances'))).toEqual([]);
      } finally {
        await other.leave();
      }
    });

    it('are gone after a deletion, and are made again for what is left', async () => {
      const { world, reader } = stage();
      const study = studyOf(freshUid());
      await store(stage(), study);
      await isMade(study);
      const earlier = await made(study);
      const [gone = ''] = study.asked.filter(([path]) => path.endsWith('/frames/1')).map(([path]) => path);
      await world.http
        .delete(`/dicom-web${gone.replace('/frames/1', '')}`)
        .set('authorization', reader.authorization)
        .expect(204);
      expect((await ask(stage(), gateway.url, gone, FRAME)).status).toBe(404);
      await expect
        .poll(async () => {
          const names = await made(study);
          return names.length > 0 && !names.some((name) => earlier.includes(name));
        }, WAIT)
        .toBe(true);
      for (const [path, accept] of study.asked)
        if (
          !gone.startsWith(
            path.replace(/\/(frames\/1|rendered|thumbnail)$/, '/frames/1').replace(/frames\/1$/, ''),
          )
        )
          expect((await ask(stage(), gateway.url, path, accept)).status).toBe(200);
    });
  });
}
