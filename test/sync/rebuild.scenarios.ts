import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { requests } from '../dicomweb/qido.world.ts';
import { catalogued } from '../dicomweb/stow.answers.ts';
import type { Caller, World } from '../support/world.ts';

const Rebuild = z.looseObject({
  state: z.string(),
  archived: z.number(),
  removed: z.number(),
  refreshed: z.number(),
  repaired: z.number(),
});

/** Longer than the comparison of a small archive with the catalog takes. The tests wait for conditions, not for fixed times. */
const LONG = 120_000;

let world: World;
let operator: Caller;

const get = (path: string, who = operator) => world.http.get(path).set('authorization', who.authorization);

/** The scenarios of a rebuild. The archive must be empty. */
export function registerRebuild(given: () => World): void {
  describe('a rebuild', () => {
    beforeAll(async () => {
      world = given();
      operator = await world.person({ rights: ['system:operate'], scope: { kind: 'all' } });
    });

    it('is for operators', async () => {
      const other = await world.radiologist(freshUid());
      await get('/api/stats', other).expect(403);
      await get('/api/catalog/rebuild', other).expect(403);
      await world.http.post('/api/catalog/rebuild').set('authorization', other.authorization).expect(403);
      await get('/api/catalog/rebuild').expect(404);
    });

    it('brings the catalog back to what the archive holds, while serving', async () => {
      const studyUid = freshUid();
      const files = Array.from({ length: 6 }, () => makeInstance({ studyUid, seriesUid: `${studyUid}.1` }));
      await world.store(await world.machine(), files).expect(200);
      const stats = await get('/api/stats').expect(200);
      expect(stats.body).toMatchObject({
        catalog: { studies: 1, series: 1, instances: 6 },
        archive: { studies: 1, series: 1, instances: 6 },
        on_their_way: 0,
        in_quarantine: 0,
      });
      // Makes three faults: a missing row, a row without an instance (the watcher may remove this row), and a wrong count (the watcher does not
      // correct counts).
      await world.sql`delete from instances where id = (select min(id) from instances)`;
      const wrong = '00000000-11111111-22222222-33333333-44444444';
      await world.sql`insert into instances (sop_uid, series, sop_class_uid, transfer_syntax, orthanc_id)
    select '1.2.3', min(id), '1.2.4', '1.2.840.10008.1.2', ${wrong} from series`;
      await world.sql`update series set instance_count = 9`;
      // Makes the attributes of study and series different from those in the files.
      await world.sql`update studies set study_description = 'wrong', patient_name = 'Wrong'`;
      await world.sql`update series set modality = 'XX'`;
      const asked = await world.http
        .post('/api/catalog/rebuild')
        .set('authorization', operator.authorization)
        .expect(202);
      expect(Rebuild.parse(asked.body).state).not.toBe('completed');
      const now = async () => Rebuild.parse((await get('/api/catalog/rebuild').expect(200)).body);
      await expect
        .poll(now, { timeout: 20_000 })
        .toMatchObject({ state: 'completed', archived: 6, checked: 6 });
      expect(await catalogued(world, studyUid)).toEqual({ instances: 6, counted: 6, series: 1, pending: 0 });
      expect(await world.sql`select instance_count as count, modality from series`).toEqual([
        { count: 6, modality: 'CT' },
      ]);
      expect((await now()).refreshed).toBeGreaterThan(0);
      expect(
        await world.sql`select 1 from studies where study_description = 'wrong' or patient_name = 'Wrong'`,
      ).toEqual([]);
    });

    it(
      'the walk reads what older rows do not say: what a series was requested by',
      { timeout: LONG },
      async () => {
        const [sent, brought] = [freshUid(), freshUid()];
        const requested = requests(['S-1', 'R-1'], ['', 'Ä']);
        const file = (seriesUid: string) => makeInstance({ seriesUid, extra: [requested] });
        await world.store(await world.machine(), [file(sent)]).expect(200);
        const body = new Uint8Array(file(brought));
        expect((await world.archive('/instances', { method: 'POST', body })).status).toBe(200);
        const said = async () => {
          const rows =
            await world.sql`select request_steps as steps, request_procedures as procedures from series
      where series_uid in (${sent}, ${brought})`;
          return rows.map(({ steps, procedures }) => ({ steps, procedures }));
        };
        const both = Array.from({ length: 2 }, () => ({ steps: ['S-1', ''], procedures: ['R-1', 'Ä'] }));
        await expect.poll(said, { timeout: 50_000 }).toEqual(both);
        await world.sql`update series set request_steps = null, request_procedures = null`;
        // Makes the next sweep begin now. Otherwise the test would have to wait for it.
        await world.sql`update sweep set phase = 'catalog', position = 0, hurried = true`;
        await expect.poll(said, { timeout: 50_000 }).toEqual(both);
      },
    );
  });
}
