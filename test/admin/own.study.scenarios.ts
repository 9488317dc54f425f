import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { RIGHTS, isScoped } from '../../src/authz/rights.js';
import type { Caller, World } from '../support/world.ts';

const STUDY_RIGHTS = RIGHTS.filter(isScoped);
const OwnStudy = z.strictObject({ study_uid: z.string(), rights: z.array(z.string()) });
const Allowed = z.looseObject({ allowed: z.boolean() });

let world: World;
const [one, two] = [freshUid(), freshUid()];

const ask = (who: Caller, study: string) =>
  world.http.get(`/api/me/studies/${study}`).set('authorization', who.authorization);

/** Registers the tests of this file with the given gateway. */
export function registerOwnStudy(given: () => World): void {
  describe('own study', () => {
    beforeAll(async () => {
      world = given();
      const files = [
        makeInstance({ studyUid: one, patientId: 'O-1', institution: 'North' }),
        makeInstance({ studyUid: two, patientId: 'O-2', institution: 'South' }),
      ];
      await world.store(await world.machine(), files).expect(200);
    });

    it('tells the rights that cover a study, as the explanation of each does', async () => {
      const { authorization } = await world.admin();
      const scopes = [
        { kind: 'study', study_uid: one },
        { kind: 'patient', issuer: 'TEST', patient_id: 'O-1' },
        { kind: 'institution', institution: 'South' },
        { kind: 'modality', modality: 'CT' },
        { kind: 'own-uploads' },
        { kind: 'all' },
      ];
      for (const [at, scope] of scopes.entries()) {
        const right = STUDY_RIGHTS[at % STUDY_RIGHTS.length] ?? 'studies:read';
        const person = await world.person(
          { rights: ['studies:read'], scope: { kind: 'study', study_uid: one } },
          { rights: ['studies:read'], scope: { kind: 'study', study_uid: two } },
          { rights: [right, 'studies:annotate'], scope },
        );
        for (const study of [one, two]) {
          const told = OwnStudy.parse((await ask(person, study).expect(200)).body);
          const explained: string[] = [];
          for (const each of STUDY_RIGHTS) {
            const query = { user: person.id, study, right: each };
            const answer = world.http.get('/api/access/explain').query(query);
            const { body } = await answer.set('authorization', authorization).expect(200);
            if (Allowed.parse(body).allowed) explained.push(each);
          }
          expect(told, scope.kind).toEqual({ study_uid: study, rights: explained });
        }
      }
    });

    it('is 404 with the same bytes for a hidden and an unknown study, and 403 for who may read none', async () => {
      const person = await world.person(
        { rights: ['studies:read'], scope: { kind: 'study', study_uid: one } },
        { rights: ['studies:annotate'], scope: { kind: 'all' } },
      );
      const [hidden, unknown] = [
        await ask(person, two).expect(404),
        await ask(person, freshUid()).expect(404),
      ];
      expect(hidden.text).toBe(unknown.text);
      await ask(person, 'x').expect(400);
      const writer = await world.person({ rights: ['studies:annotate'], scope: { kind: 'all' } });
      await ask(writer, one).expect(403);
    });

    it('is answered anew each time, and is on record with the study and its patient', async () => {
      const person = await world.radiologist(one);
      const answer = await ask(person, one).expect(200);
      expect(answer.headers['cache-control']).toBe('no-store');
      const [row] =
        await world.sql`select study_uid, patient_id from audit where account_id = ${person.id}::uuid
    and study_uid = ${one}`;
      expect(row).toEqual({ study_uid: one, patient_id: 'O-1' });
    });
  });
}
