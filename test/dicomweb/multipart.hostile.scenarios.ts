import { setImmediate } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { sample } from '../support/long.form.ts';
import { multipartOf } from '../support/stow.body.ts';
import type { Caller, World } from '../support/world.ts';
import { type Case, cases } from './multipart.hostile.cases.ts';
import { catalogued, openStore } from './stow.answers.ts';

let world: World;

let sender: Caller;

/** The body of a case, with two new instances, and the UIDs of their studies. */
function made({ body }: Case): { bytes: Buffer; studies: string[] } {
  const studies = [freshUid(), freshUid()];
  const [one, two] = studies.map((studyUid) => makeInstance({ studyUid }));
  if (one === undefined || two === undefined) throw new Error('no files');
  const files = { one, two, half: two.subarray(0, two.length / 2) };
  const bytes = body.map((piece) =>
    typeof piece === 'string' ? Buffer.from(piece, 'latin1') : files[piece.file],
  );
  return { bytes: Buffer.concat(bytes), studies };
}

const USUAL = 'multipart/related; type="application/dicom"; boundary=B';

/** The scenarios of malformed and unusual multipart bodies. */
export function registerMultipartHostile(shared: () => World): void {
  describe('hostile multipart bodies', () => {
    beforeAll(async () => {
      world = shared();
      sender = await world.machine();
    });

    describe(`a STOW request with one of ${cases.length} bodies`, () => {
      it('is one of sixty and more', () => {
        expect(cases.length).toBeGreaterThanOrEqual(60);
        expect(new Set(cases.map(({ what }) => what)).size).toBe(cases.length);
      });

      it.each(sample(cases, 32))('$what: $status, $stored stored', async (one) => {
        const { bytes, studies } = made(one);
        const answer = await fetch(`${world.gateway.url}/dicom-web/studies`, {
          method: 'POST',
          headers: { authorization: sender.authorization, 'content-type': one.type ?? USUAL },
          body: new Uint8Array(bytes),
        });
        await answer.arrayBuffer();
        expect([one.status].flat()).toContain(answer.status);
        const stored = one.stored >= 0 ? one.stored : answer.status === 200 ? 1 : 0;
        expect(await catalogued(world, ...studies)).toMatchObject({ instances: stored, pending: 0 });
        // The archive has exactly the studies of the catalog.
        for (const study of studies) {
          const found = await world.archive('/tools/lookup', { method: 'POST', body: study });
          const shown = await catalogued(world, study);
          expect((await found.text()).includes('"Study"')).toBe((shown?.instances ?? 0) > 0);
        }
      });
    });

    it('a body is the same wherever its boundaries are split between two packets', async () => {
      const [studyUid, seriesUid] = [freshUid(), freshUid()];
      const files = [1, 2].map((instanceNumber) => makeInstance({ studyUid, seriesUid, instanceNumber }));
      const { body } = multipartOf(files, 'slow-boundary');
      const places: number[] = [];
      for (let at = body.indexOf('--slow-boundary'); at >= 0; at = body.indexOf('--slow-boundary', at + 1))
        for (let offset = -3; offset < 60; offset += 1) if (at + offset > 0) places.push(at + offset);
      for (const place of sample(
        places.filter((at) => at < body.length),
        14,
      )) {
        const store = openStore(world, sender);
        await store.write(body.subarray(0, place));
        await setImmediate();
        await store.write(body.subarray(place));
        store.request.end();
        expect([place, (await store.answer).status]).toEqual([place, 200]);
      }
      expect(await catalogued(world, studyUid)).toEqual({ instances: 2, counted: 2, series: 1, pending: 0 });
    });
  });
}
