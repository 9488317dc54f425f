import { beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import type { Caller, World } from '../support/world.ts';
import { archived } from './stow.answers.ts';

let world: World;
let sender: Caller;

const DELETE = ['studies:read', 'studies:delete'];

/** Stores a study with two series of two instances each in the archive. */
async function study() {
  const studyUid = freshUid();
  const series = [freshUid(), freshUid()];
  const sops = [freshUid(), freshUid(), freshUid(), freshUid()];
  const files = sops.map((sopUid, at) =>
    makeInstance({ studyUid, seriesUid: series[at < 2 ? 0 : 1], sopUid, patientId: 'DEL-1' }),
  );
  await world.store(sender, files).expect(200);
  return { studyUid, series, sops, path: `/dicom-web/studies/${studyUid}` };
}

const remove = (who: Caller, path: string) => world.http.delete(path).set('authorization', who.authorization);
const left = async (who: Caller, studyUid: string) =>
  Number((await world.get(who, `/instances?StudyInstanceUID=${studyUid}`)).headers['x-total-count']);

/** The scenarios of deletions. */
export function registerDelete(given: () => World): void {
  describe('deletions', () => {
    beforeAll(async () => {
      world = given();
      sender = await world.machine();
    });

    describe('deleting', () => {
      it('takes an instance, a series, then the study out of catalog and archive', async () => {
        const before = await archived(world);
        const of = await study();
        const who = await world.person({ rights: DELETE, scope: { kind: 'study', study_uid: of.studyUid } });
        await remove(who, `${of.path}/series/${of.series[0]}/instances/${of.sops[0]}`).expect(204);
        expect(await left(who, of.studyUid)).toBe(3);
        await remove(who, `${of.path}/series/${of.series[1]}`).expect(204);
        expect(await left(who, of.studyUid)).toBe(1);
        await remove(who, of.path).expect(204);
        await world.get(who, `/studies/${of.studyUid}/metadata`).expect(404);
        expect(await archived(world)).toBe(before);
        await remove(who, of.path).expect(404);
      });

      it('needs a right that covers the study; for others the study does not exist, and it stays', async () => {
        const of = await study();
        const foreign = await world.person({
          rights: DELETE,
          scope: { kind: 'study', study_uid: freshUid() },
        });
        const reader = await world.radiologist(of.studyUid);
        const unknown = await remove(foreign, `/dicom-web/studies/${freshUid()}`).expect(404);
        const refused = await remove(foreign, of.path).expect(404);
        expect(refused.text).toBe(unknown.text);
        await remove(reader, of.path).expect(403);
        expect(await left(reader, of.studyUid)).toBe(4);
      });

      it('is on record before it begins, with how much went', async () => {
        const of = await study();
        const who = await world.person({ rights: DELETE, scope: { kind: 'all' } });
        await remove(who, of.path).expect(204);
        const rows = await world.sql`
      select action, status, patient_id, instances::int from audit where study_uid = ${of.studyUid} and account_id = ${who.id} order by id`;
        expect(rows).toEqual([
          { action: 'delete begins', status: null, patient_id: 'DEL-1', instances: 4 },
          { action: 'DELETE /dicom-web/studies/:study', status: 204, patient_id: 'DEL-1', instances: 4 },
        ]);
      });

      it('makes room: the same instances can be stored again', async () => {
        const of = await study();
        const who = await world.person({ rights: DELETE, scope: { kind: 'all' } });
        await remove(who, of.path).expect(204);
        const file = makeInstance({
          studyUid: of.studyUid,
          seriesUid: of.series[0],
          sopUid: of.sops[0],
          patientId: 'OTHER',
        });
        await world.store(sender, [file]).expect(200);
        expect(await left(who, of.studyUid)).toBe(1);
      });
    });
  });
}
