import { randomUUID } from 'node:crypto';
import type { Test } from 'supertest';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { World } from '../support/world.ts';

let world: World;
let authorization: string;
let path: string;

type Verb = 'get' | 'post' | 'delete';
const admin = (verb: Verb, where: string): Test =>
  world.http[verb](where).set('authorization', authorization);
const idOf = (body: unknown) => z.looseObject({ id: z.uuid() }).parse(body).id;
const ALL = { kind: 'all' };

/** Registers the tests of this file with the given gateway. */
export function registerGrants(given: () => World): void {
  describe('grants', () => {
    beforeAll(async () => {
      world = given();
      ({ authorization } = await world.admin());
      const { body } = await admin('post', '/api/groups').send({ name: 'granted' }).expect(201);
      path = `/api/groups/${idOf(body)}/grants`;
    });

    describe('a grant', () => {
      test.each([
        [['studies:read'], { kind: 'all' }],
        [['studies:read', 'studies:store'], { kind: 'study', study_uid: '1.2.840.1' }],
        [['studies:read'], { kind: 'patient', issuer: 'Ä', patient_id: "O'Neil 1" }],
        [['studies:read'], { kind: 'institution', institution: 'North' }],
        [['studies:read'], { kind: 'modality', modality: 'CT' }],
        [['studies:annotate', 'studies:delete', 'studies:share'], { kind: 'own-patient' }],
        [['studies:read'], { kind: 'own-uploads' }],
        [['access:manage', 'studies:read'], { kind: 'all' }],
      ])('of %j × %j is made, shown and taken back', async (rights, scope) => {
        const answer = await admin('post', path).send({ rights, scope }).expect(201);
        const grant = { id: idOf(answer.body), rights, scope, until: null };
        expect(answer.body).toEqual(grant);
        expect(answer.headers['location']).toBe(`${path}/${grant.id}`);
        expect((await admin('get', path).expect(200)).body).toEqual({ items: [grant], total: 1 });
        expect((await admin('get', `${path}/${grant.id}`).expect(200)).body).toEqual(grant);
        await admin('delete', `${path}/${grant.id}`).expect(204);
        await admin('delete', `${path}/${grant.id}`).expect(404);
        await admin('get', `${path}/${grant.id}`).expect(404);
      });

      test.each<[string, object, string]>([
        ['nothing', {}, 'rights'],
        ['no right', { rights: [], scope: ALL }, 'rights'],
        ['an unknown right', { rights: ['studies:steal'], scope: ALL }, 'rights.0'],
        ['no scope', { rights: ['studies:read'] }, 'scope'],
        ['an unknown scope', { rights: ['studies:read'], scope: { kind: 'world' } }, 'scope.kind'],
        ['a study without UID', { rights: ['studies:read'], scope: { kind: 'study' } }, 'scope.study_uid'],
        [
          'a patient without issuer',
          { rights: ['studies:read'], scope: { kind: 'patient', patient_id: '1' } },
          'scope.issuer',
        ],
        [
          'U+0000 in a scope',
          { rights: ['studies:read'], scope: { kind: 'institution', institution: 'a\0' } },
          'scope.institution',
        ],
        [
          'a field of another scope',
          { rights: ['studies:read'], scope: { kind: 'all', study_uid: '1' } },
          'scope.study_uid',
        ],
        ['a scoped audit:read', { rights: ['audit:read'], scope: { kind: 'own-patient' } }, 'scope'],
        [
          'a mix that is scoped',
          { rights: ['studies:read', 'access:manage'], scope: { kind: 'modality', modality: 'CT' } },
          'scope',
        ],
        ['an until in words', { rights: ['studies:read'], scope: ALL, until: 'tomorrow' }, 'until'],
        [
          'an until in the year 0',
          { rights: ['studies:read'], scope: ALL, until: '0000-01-01T00:00:00Z' },
          'until',
        ],
      ])('with %s is refused with the field', async (_, body, field) => {
        expect((await admin('post', path).send(body).expect(422)).body).toMatchObject({ field });
      });

      test('ends at its date', async () => {
        const somebody = await world.person();
        const group = `/api/groups/${somebody.groupId}/grants`;
        const grant = (until: string) =>
          admin('post', group)
            .send({ rights: ['access:manage'], scope: ALL, until })
            .expect(201);
        const users = () => world.http.get('/api/users').set('authorization', somebody.authorization);
        const past = await grant('2020-01-01T01:00:00+01:00');
        expect(past.body).toMatchObject({ until: '2020-01-01T00:00:00.000Z' });
        await users().expect(403);
        await grant(new Date(Date.now() + 2000).toISOString());
        await users().expect(200);
        await expect.poll(async () => (await users()).status, { timeout: 6000 }).toBe(403);
      });

      test('belongs to a group that exists', async () => {
        const elsewhere = `/api/groups/${randomUUID()}/grants`;
        await admin('post', elsewhere)
          .send({ rights: ['studies:read'], scope: ALL })
          .expect(404);
        await admin('get', elsewhere).expect(404);
        const made = await admin('post', path)
          .send({ rights: ['studies:read'], scope: ALL })
          .expect(201);
        const other = await world.person();
        await admin('delete', `/api/groups/${other.groupId}/grants/${idOf(made.body)}`).expect(404);
      });
    });
  });
}
