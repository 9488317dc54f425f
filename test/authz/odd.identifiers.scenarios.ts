import { beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { z } from 'zod';
import { sample } from '../support/long.form.ts';
import type { Caller, World } from '../support/world.ts';

/** PatientIDs with characters that are special in DICOM matching, SQL, lists or markup. */
const IDS = [
  'P*',
  'P?',
  'P1',
  'PX',
  'p*',
  'P%',
  'P_',
  'P,1',
  'P^1',
  "P'--",
  'P";',
  'P<b>',
  '=P1',
  '*',
  '?',
  '{P1}',
  'null',
];
const studies = new Map(IDS.map((id) => [id, freshUid()]));
const Found = z.array(z.record(z.string(), z.object({ Value: z.array(z.unknown()).optional() })));

let world: World;
let everyone: Caller;
let reader: Caller;
let admin: Caller;
/** The path of the grants of `reader`. */
let grants: string;

const ofPatient = (patient_id: string) => ({
  rights: ['studies:read'],
  scope: { kind: 'patient', issuer: 'TEST', patient_id },
});

const Granted = z.object({ id: z.string() });
/** Calls `check` while the reader has this grant and no other. */
async function whileGranted(grant: object, check: () => Promise<void>): Promise<void> {
  const as = { authorization: admin.authorization };
  const answer = await world.http.post(grants).set(as).send(grant).expect(201);
  await check();
  await world.http
    .delete(`${grants}/${Granted.parse(answer.body).id}`)
    .set(as)
    .expect(204);
}

/** The PatientIDs of a search result. */
async function found(authorization: string, query: string): Promise<string[]> {
  const answer = await world.http
    .get(`/dicom-web/studies?limit=100&${query}`)
    .set('authorization', authorization)
    .expect(200);
  return Found.parse(answer.body)
    .map((item) => String(item['00100020']?.Value?.[0]))
    .sort();
}

/** Registers the tests of this file with the given gateway. */
export function registerOddIdentifiers(given: () => World): void {
  describe('odd identifiers', () => {
    beforeAll(async () => {
      world = given();
      everyone = await world.machine([{ rights: ['studies:read'], scope: { kind: 'all' } }]);
      admin = await world.admin();
      const machine = await world.machine([]);
      grants = `/api/groups/${machine.groupId}/grants`;
      reader = machine;
      const files = IDS.map((patientId) =>
        makeInstance({ patientId, studyUid: studies.get(patientId), patientName: patientId }),
      );
      await world.store(await world.machine(), files).expect(200);
    });

    describe('a grant on a patient', () => {
      it.each(sample(IDS, 4))('with the id %s covers no other patient', async (id) => {
        await whileGranted(ofPatient(id), async () => {
          expect(await found(reader.authorization, '')).toEqual([id]);
          for (const query of ['PatientID=*', 'PatientID=P*', 'PatientID=%25', 'PatientName=*', 'PatientID='])
            for (const seen of await found(reader.authorization, query)) expect(seen).toBe(id);
          for (const other of new Set([id, ...sample(IDS, 4)]))
            await world.get(reader, `/studies/${studies.get(other)}/series`).expect(other === id ? 200 : 404);
        });
      });
    });

    describe('a search for a patient', () => {
      it.each(IDS.filter((id) => !/[*?,]/.test(id)))('whose id is %s finds that one', async (id) => {
        expect(await found(everyone.authorization, `PatientID=${encodeURIComponent(id)}`)).toEqual([id]);
      });

      it('treats wildcards as DICOM defines them and SQL patterns as text', async () => {
        const { authorization } = everyone;
        const two = IDS.filter((id) => /^P.$/.test(id)).sort();
        expect(await found(authorization, 'PatientID=P?')).toEqual(two);
        expect(await found(authorization, 'PatientID=%25')).toEqual([]);
        expect(await found(authorization, 'PatientID=__')).toEqual([]);
        expect(await found(authorization, 'PatientID=*')).toEqual([...IDS].sort());
      });
    });

    it('a backslash in an id is no second id that a grant could meet', async () => {
      const studyUid = freshUid();
      const answer = await world.store(await world.machine(), [
        makeInstance({ studyUid, patientId: 'P1\\PX' }),
      ]);
      for (const id of ['P1', 'PX']) {
        await whileGranted(ofPatient(id), async () => {
          expect(await found(reader.authorization, '')).toEqual([id]);
          await world.get(reader, `/studies/${studyUid}/series`).expect(404);
        });
      }
      expect([200, 409]).toContain(answer.status);
    });
  });
}
