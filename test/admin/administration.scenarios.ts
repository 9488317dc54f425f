import { randomUUID } from 'node:crypto';
import type { Test } from 'supertest';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import type { Person, World } from '../support/world.ts';

let world: World;
let authorization: string;

type Verb = 'get' | 'post' | 'patch' | 'put' | 'delete';
const as = (who: string, verb: Verb, path: string): Test => world.http[verb](path).set('authorization', who);
const admin = (verb: Verb, path: string): Test => as(authorization, verb, path);
const List = z.strictObject({ items: z.array(z.record(z.string(), z.unknown())), total: z.number() });
const list = async (path: string) => List.parse((await admin('get', path).expect(200)).body);
const idOf = (body: unknown) => z.looseObject({ id: z.uuid() }).parse(body).id;
const make = async (path: string, body: object) =>
  idOf((await admin('post', path).send(body).expect(201)).body);

/** One resource of each kind, with its path, the request that creates it, and its expected representation. */
const KINDS: readonly [path: string, body: Record<string, unknown>, shown: object][] = [
  [
    '/api/users',
    { username: 'adawick', display_name: 'Ada', password: 'gently woven reed' },
    {
      username: 'adawick',
      display_name: 'Ada',
      disabled: false,
      organisation: '',
      name_withheld: false,
      patient: null,
    },
  ],
  [
    '/api/groups',
    { name: 'readers', description: 'who read' },
    { name: 'readers', description: 'who read', requires_second_factor: false },
  ],
  [
    '/api/accounts',
    { name: 'ct-north-1', institution: ' North ', issuer: 'N' },
    { name: 'ct-north-1', institution: 'North', issuer: 'N', disabled: false, silent_after_minutes: null },
  ],
];

/** Registers the tests of this file with the given gateway. */
export function registerAdministration(given: () => World): void {
  describe('administration', () => {
    beforeAll(async () => {
      world = given();
      ({ authorization } = await world.admin());
    });

    describe.each(KINDS)('%s', (path, body, shown) => {
      let id: string;

      test('creates one: 201 with the resource and its Location', async () => {
        const answer = await admin('post', path).send(body).expect(201);
        id = idOf(answer.body);
        expect(answer.body).toEqual({ id, ...shown });
        expect(answer.headers['location']).toBe(`${path}/${id}`);
        // The GET response for a machine account also has the members of `Sender` (src/admin/senders.service.ts).
        expect((await admin('get', `${path}/${id}`).expect(200)).body).toMatchObject({ id, ...shown });
      });

      test('refuses a name that is taken, in whatever case', async () => {
        const field = path === '/api/users' ? 'username' : 'name';
        const again = { ...body, [field]: String(body[field]).toUpperCase() };
        await admin('post', path).send(again).expect(409);
        const parallel = { ...body, [field]: `${String(body[field])}-twice` };
        const answers = await Promise.all([1, 2, 3].map(() => admin('post', path).send(parallel)));
        expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409, 409]);
      });

      test('lists it', async () => {
        const field = path === '/api/users' ? 'username' : 'name';
        const found = await list(
          `${path}?q=${String(body[field]).slice(1).toUpperCase()}&sort=-${field}&limit=1`,
        );
        expect(found.total).toBe(2);
        expect(found.items).toHaveLength(1);
        expect(found.items[0]).toMatchObject({ [field]: `${String(body[field])}-twice` });
        const second = await list(`${path}?q=${String(body[field])}&limit=1&offset=1`);
        expect(second.items[0]).toMatchObject({ [field]: `${String(body[field])}-twice` });
        expect((await list(`${path}?q=%25`)).total).toBe(0);
      });

      test.each(['limit=-1', 'limit=x', 'offset=1.5', 'sort=password_hash', 'q=%00', 'limit=1&limit=2'])(
        'refuses the query %s',
        async (query) => {
          await admin('get', `${path}?${query}`).expect(400);
        },
      );

      test('an empty change changes nothing, an unknown field is 422', async () => {
        expect((await admin('patch', `${path}/${id}`).send({}).expect(200)).body).toEqual({ id, ...shown });
        const answer = await admin('patch', `${path}/${id}`).send({ id: randomUUID() }).expect(422);
        expect(answer.body).toMatchObject({ field: 'id' });
      });

      test.each([
        ['nothing', {}],
        ['a number', { username: 1, name: 1 }],
        ['an empty name', { username: ' ', name: ' ' }],
        ['U+0000', { username: 'a\0', name: 'a\0' }],
        ['a line feed', { username: 'a\nb', name: 'a\nb' }],
        ['a long name', { username: 'a'.repeat(129), name: 'a'.repeat(129) }],
      ])('refuses %s as a name and says which field', async (_, names) => {
        const field = path === '/api/users' ? 'username' : 'name';
        const { [field]: name } = z.record(z.string(), z.unknown()).parse(names);
        const answer = await admin('post', path)
          .send({ ...body, [field]: name })
          .expect(422);
        expect(answer.body).toMatchObject({ field });
      });

      test('is for those who manage access', async () => {
        const somebody = await world.person({ rights: ['studies:read'], scope: { kind: 'all' } });
        await as(somebody.authorization, 'get', path).expect(403);
        await as(somebody.authorization, 'post', path).send(body).expect(403);
        await as(somebody.authorization, 'delete', `${path}/${id}`).expect(403);
        await world.http.get(path).expect(401);
      });

      test('is gone once deleted, and unknown ids look the same', async () => {
        await admin('delete', `${path}/${id}`).expect(204);
        const texts = new Set<string>();
        for (const gone of [id, randomUUID(), 'x', '%00', "'"])
          for (const verb of ['get', 'delete'] as const)
            texts.add((await admin(verb, `${path}/${gone}`).expect(404)).text);
        texts.add((await admin('patch', `${path}/${id}`).send({}).expect(404)).text);
        expect(texts.size).toBe(1);
      });
    });

    describe('a person', () => {
      test('is never shown with a password or its hash', async () => {
        const { id } = await world.person();
        expect((await admin('get', `/api/users/${id}`)).text).not.toMatch(/password|argon/);
      });

      test('with a new password from an administrator has no sign-in left', async () => {
        const somebody = await world.person();
        const password = 'another gentle reed';
        await admin('patch', `/api/users/${somebody.id}`).send({ password }).expect(200);
        await as(somebody.authorization, 'get', '/api/me').expect(401);
        await world.signIn(somebody.name, password);
        await admin('patch', `/api/users/${somebody.id}`).send({ password: 'short' }).expect(422);
      });

      test('is linked to a patient and unlinked', async () => {
        const somebody = await world.person();
        const path = `/api/users/${somebody.id}/patient`;
        const patient = { issuer: 'NORTH', patient_id: 'P-7' };
        const answer = await admin('put', path)
          .send({ ...patient, patient_id: ' P-7 ' })
          .expect(200);
        expect(answer.body).toMatchObject({ id: somebody.id, patient });
        expect((await as(somebody.authorization, 'get', '/api/me').expect(200)).body).toMatchObject({
          patient,
        });
        await admin('put', path).send({ issuer: 'NORTH' }).expect(422);
        await admin('put', path).send({ issuer: 'NORTH', patient_id: '' }).expect(422);
        await admin('put', `/api/users/${randomUUID()}/patient`).send(patient).expect(404);
        await admin('delete', path).expect(204);
        expect((await as(somebody.authorization, 'get', '/api/me')).body).toMatchObject({ patient: null });
      });
    });

    test('a link to a patient whom the catalog does not know is kept, and the answer warns', async () => {
      const sender = await world.machine();
      await world.store(sender, [makeInstance({ patientId: 'K-1' })]).expect(200);
      const somebody = await world.person();
      const path = `/api/users/${somebody.id}/patient`;
      for (const [issuer, patient_id, warns] of [
        ['TEST', 'K-1', false],
        ['TEST', 'k-1', true],
        ['NORTH', 'K-1', true],
        ['TEST', 'K-2', true],
      ] as const) {
        const patient = { issuer, patient_id };
        const put = await admin('put', path).send(patient).expect(200);
        const post = await admin('post', '/api/users').send({ username: randomUUID(), patient }).expect(201);
        for (const { body, headers } of [put, post]) {
          expect(body).toMatchObject({ patient });
          expect([patient, 'warning' in body]).toEqual([patient, warns]);
          // The warning is not part of the person. A response with the warning therefore has the same entity tag as the GET response.
          const read = await admin('get', `/api/users/${z.looseObject({ id: z.string() }).parse(body).id}`);
          expect(read.headers['etag']).toBe(headers['etag']);
          expect(read.body).not.toHaveProperty('warning');
        }
      }
      expect((await admin('put', path).send('null').type('json').expect(200)).body).not.toHaveProperty(
        'warning',
      );
    });

    describe('GET /api/me', () => {
      test('shows a person their account, groups and rights', async () => {
        const somebody = await world.person(
          { rights: ['studies:read'], scope: { kind: 'own-uploads' } },
          { rights: ['studies:read', 'audit:read'], scope: { kind: 'all' } },
        );
        expect((await as(somebody.authorization, 'get', '/api/me').expect(200)).body).toEqual({
          account: { id: somebody.id, kind: 'person', name: somebody.name, display_name: somebody.name },
          groups: [{ id: somebody.groupId, name: `group of ${somebody.name}` }],
          rights: ['studies:read', 'audit:read'],
          patient: null,
        });
      });

      test('shows the first administrator every right', async () => {
        const { body } = await admin('get', '/api/me').expect(200);
        const me = z
          .object({ rights: z.array(z.string()), groups: z.array(z.object({ name: z.string() })) })
          .parse(body);
        expect(me.groups.map(({ name }) => name)).toEqual(['Administrators']);
        expect(me.rights).toHaveLength(11);
      });
    });

    describe('members', () => {
      let group: string;
      let somebody: Person;
      let machine: string;

      beforeAll(async () => {
        group = await make('/api/groups', { name: 'members of it' });
        somebody = await world.person();
        machine = await make('/api/accounts', { name: 'member machine' });
      });

      test('are added once, listed and removed', async () => {
        const path = `/api/groups/${group}/members`;
        const [person, account] = [{ user_id: somebody.id }, { account_id: machine }];
        expect((await admin('post', path).send(person).expect(201)).body).toEqual(person);
        expect((await admin('post', path).send(person).expect(200)).body).toEqual(person);
        await admin('post', path).send(account).expect(201);
        expect(await list(`${path}?sort=-name`)).toEqual({ items: [person, account], total: 2 });
        expect((await admin('get', `${path}/${machine}`).expect(200)).body).toEqual(account);
        await admin('delete', `${path}/${somebody.id}`).expect(204);
        await admin('delete', `${path}/${somebody.id}`).expect(404);
        expect(await list(path)).toEqual({ items: [account], total: 1 });
      });

      test('must exist and be of the right kind', async () => {
        const path = `/api/groups/${group}/members`;
        for (const [body, field] of [
          [{}, 'user_id'],
          [{ user_id: somebody.id, account_id: machine }, 'user_id'],
          [{ user_id: machine }, 'user_id'],
          [{ account_id: somebody.id }, 'account_id'],
          [{ user_id: randomUUID() }, 'user_id'],
          [{ user_id: 'x' }, 'user_id'],
        ] as const)
          expect((await admin('post', path).send(body).expect(422)).body).toMatchObject({ field });
        const elsewhere = `/api/groups/${randomUUID()}/members`;
        await admin('post', elsewhere).send({ user_id: somebody.id }).expect(404);
        await admin('get', elsewhere).expect(404);
      });

      test('have the rights of the group from their next request, and lose them so', async () => {
        await admin('post', `/api/groups/${group}/grants`)
          .send({ rights: ['access:manage'], scope: { kind: 'all' } })
          .expect(201);
        await as(somebody.authorization, 'get', '/api/users').expect(403);
        await admin('post', `/api/groups/${group}/members`).send({ user_id: somebody.id }).expect(201);
        await as(somebody.authorization, 'get', '/api/users').expect(200);
        await admin('delete', `/api/groups/${group}/members/${somebody.id}`).expect(204);
        await as(somebody.authorization, 'get', '/api/users').expect(403);
      });
    });
  });
}
