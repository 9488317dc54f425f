import { beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { orthancIdOf } from '../../src/orthanc/orthanc.id.ts';
import type { World } from '../support/world.ts';
import { catalogued, told } from './stow.answers.ts';

let world: World;

async function bring(file: Buffer): Promise<void> {
  const answer = await world.archive('/instances', { method: 'POST', body: new Uint8Array(file) });
  expect(answer.status).toBe(200);
}

const tail = freshUid().slice(-20);

const odd = {
  studyUid: `1.2.${tail}.03`,
  seriesUid: `1.2.00.${tail}`,
  sopUid: `1.2.${tail}.007`,
  patientId: 'MRN-1',
};

/** The scenarios of irregular UIDs. */
export function registerOddUids(shared: () => World): void {
  describe('irregular UIDs', () => {
    beforeAll(async () => {
      world = shared();
    });

    it('UIDs with leading zeros that came past the gateway are served by exactly these, marked, and let in by no STOW', async () => {
      const file = makeInstance(odd);
      await bring(file);
      await expect.poll(() => catalogued(world, odd.studyUid)).toMatchObject({ instances: 1 });
      const reader = await world.radiologist(odd.studyUid);
      const path = `/studies/${odd.studyUid}/series/${odd.seriesUid}/instances/${odd.sopUid}`;
      const answer = await world
        .get(reader, path)
        .set('accept', 'application/dicom; transfer-syntax=*')
        .buffer()
        .parse((response, done) => {
          const pieces: Buffer[] = [];
          response.on('data', (piece: Buffer) => pieces.push(piece));
          response.on('end', () => done(null, Buffer.concat(pieces)));
        })
        .expect(200);
      expect(file.equals(Buffer.from(answer.body))).toBe(true);
      await world.get(reader, `${path}/metadata`).expect(200);
      await world.get(reader, `/studies/${odd.studyUid}/metadata`).expect(200);
      const found = await world.get(reader, `/studies?StudyInstanceUID=${odd.studyUid}`).expect(200);
      expect(found.body).toHaveLength(1);
      // A request with another spelling of the UID does not find the instance.
      await world.get(reader, path.replace(/007$/, '7')).expect(404);
      await world.get(reader, path.replace('.03/', '.3/')).expect(404);
      const [row] = await world.sql`select irregular from instances where sop_uid = ${odd.sopUid}`;
      expect(row).toEqual({ irregular: true });
      const sopUid = freshUid();
      const more = makeInstance({ ...odd, sopUid });
      const refused = told(await world.store(await world.machine(), [more]).expect(409));
      expect(refused).toMatchObject({ failed: { [sopUid]: 0xc000 }, unnamed: [] });
    });

    it.each([
      ['letters', '1.2.A.4'],
      ['an empty group', '1..2'],
      ['no end in sight', `1.2.${'3'.repeat(62)}`],
    ])('a UID with %s cannot be addressed: it waits, and is no way to anything', async (_, sopUid) => {
      const studyUid = freshUid();
      await bring(makeInstance({ studyUid, sopUid, patientId: 'MRN-2' }));
      const waiting = () =>
        world.sql`select reason from quarantine where orthanc_study = ${orthancIdOf('MRN-2', studyUid)}`;
      await expect.poll(waiting).toEqual([{ reason: 'unusable' }]);
      expect(await catalogued(world, studyUid)).toMatchObject({ instances: 0 });
      const reader = await world.radiologist(studyUid);
      await world.get(reader, `/studies/${studyUid}/series/1.2/instances/${sopUid}`).expect(400);
    });
  });
}
