import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import type { Caller, World } from '../support/world.ts';

const [one, two, three] = [freshUid(), freshUid(), freshUid()];
const READ = ['studies:read'];
const Explanation = z.looseObject({
  allowed: z.boolean(),
  missing: z.string().nullable(),
  decided_by: z.array(z.looseObject({ rule: z.string(), group: z.looseObject({ id: z.string() }) })),
});
const Studies = z.object({ total: z.number(), items: z.array(z.string()) });
const Effects = z.object({
  right: z.string().nullable(),
  rights: z.array(z.string()),
  total: z.number(),
  items: z.array(z.object({ account: z.looseObject({ name: z.string() }), gains: Studies, loses: Studies })),
});

let world: World;
let authorization: string;

async function explain(user: string, study: string, right = 'studies:read') {
  const answer = await world.http
    .get('/api/access/explain')
    .query({ user, study, right })
    .set('authorization', authorization)
    .expect(200);
  return Explanation.parse(answer.body);
}
const admin = (verb: 'get' | 'post' | 'patch' | 'delete', path: string) =>
  world.http[verb](path).set('authorization', authorization);
const whatIf = async (body: object) =>
  Effects.parse((await admin('post', '/api/access/what-if').send(body).expect(200)).body);

const store = async (caller: Caller, studyUid: string) =>
  (await world.store(caller, [makeInstance({ studyUid })])).status;

/** Registers the tests of this file with the given gateway. */
export function registerExplain(given: () => World): void {
  describe('explain', () => {
    beforeAll(async () => {
      world = given();
      ({ authorization } = await world.admin());
      const sender = await world.machine();
      const files = [one, two, three].map((studyUid, index) =>
        makeInstance({ studyUid, patientId: `E-${index}` }),
      );
      await world.store(sender, files).expect(200);
    });

    describe('GET /api/access/explain', () => {
      it('names group, grant and rule that decide', async () => {
        const person = await world.radiologist(one);
        for (const user of [person.id, person.name.toUpperCase()]) {
          const said = await explain(user, one);
          expect(said).toMatchObject({
            allowed: true,
            missing: null,
            user: { id: person.id, username: person.name },
            decided_by: [
              {
                group: { id: person.groupId, name: `group of ${person.name}` },
                grant: { rights: READ, scope: { kind: 'study', study_uid: one } },
                rule: 'The scope names this study.',
              },
            ],
            not_decided_by: [],
          });
        }
      });

      it('says what is missing first, and agrees with the gateway each time', async () => {
        const person = await world.person();
        const grants = `/api/groups/${person.groupId}/grants`;
        const grant = (scope: object, until: string | null = null, rights = READ) =>
          admin('post', grants).send({ rights, scope, until }).expect(201);
        const agrees = async (missing: string | null) => {
          const said = await explain(person.id, one);
          expect([said.missing, said.allowed]).toEqual([missing, missing === null]);
          const { status } = await world.get(person, `/studies/${one}/series`);
          expect(status).toBe(missing === null ? 200 : status === 401 ? 401 : status === 403 ? 403 : 404);
          expect(status === 200).toBe(said.allowed);
        };
        await agrees('grant_of_right');
        await grant({ kind: 'all' }, null, ['studies:store']);
        await agrees('grant_of_right');
        await grant({ kind: 'all' }, '2020-01-01T00:00:00Z');
        await agrees('grant_in_time');
        await grant({ kind: 'study', study_uid: two });
        await agrees('scope_over_study');
        await grant({ kind: 'institution', institution: 'Nowhere' });
        await agrees('scope_over_study');
        expect((await explain(person.id, freshUid())).missing).toBe('study_in_catalog');
        await grant({ kind: 'patient', issuer: 'TEST', patient_id: 'E-0' });
        await agrees(null);
        await admin('patch', `/api/users/${person.id}`).send({ disabled: true }).expect(200);
        await agrees('account_enabled');
        await admin('patch', `/api/users/${person.id}`).send({ disabled: false }).expect(200);
        await admin('delete', `/api/groups/${person.groupId}/members/${person.id}`).expect(204);
        expect((await explain(person.id, one)).missing).toBe('group');
      });

      it('answers 404 for an unknown user and 400 for an invalid query', async () => {
        await admin('get', `/api/access/explain?user=nobody&study=${one}`).expect(404);
        for (const query of [
          '',
          `?study=${one}`,
          '?user=admin',
          `?user=admin&study=x`,
          `?user=admin&study=${one}&right=audit:read`,
        ])
          await admin('get', `/api/access/explain${query}`).expect(400);
        const person = await world.radiologist(one);
        await world.http
          .get(`/api/access/explain?user=admin&study=${one}`)
          .set('authorization', person.authorization)
          .expect(403);
      });
    });

    it('a person named like the id of another is not taken for them', async () => {
      const person = await world.radiologist(one);
      await admin('post', '/api/users').send({ username: person.id.toUpperCase() }).expect(201);
      const said = await explain(person.id.toUpperCase(), one);
      expect(said).toMatchObject({ user: { id: person.id }, allowed: true });
    });

    it('a machine account is found by its name, in whatever case, and a person before it', async () => {
      const name = 'Archive of Explanations';
      const { body } = await admin('post', '/api/accounts').send({ name }).expect(201);
      const { id } = z.looseObject({ id: z.uuid() }).parse(body);
      expect(await explain(name.toUpperCase(), one)).toMatchObject({ user: { id, username: name } });
      expect(await explain(id, one)).toMatchObject({ user: { id } });
      const person = await world.radiologist(one);
      await admin('post', '/api/accounts').send({ name: person.name.toUpperCase() }).expect(201);
      expect(await explain(person.name.toUpperCase(), one)).toMatchObject({ user: { id: person.id } });
    });

    describe('POST /api/access/what-if', () => {
      it('says who would gain which studies, and changes nothing', async () => {
        const person = await world.radiologist(one);
        const group_id = person.groupId;
        const all = await whatIf({ group_id, add: { rights: READ, scope: { kind: 'all' } } });
        expect(all.total).toBe(1);
        expect(all.items[0]).toMatchObject({
          account: { name: person.name },
          gains: { total: 2 },
          loses: { total: 0 },
        });
        expect(new Set(all.items[0]?.gains.items)).toEqual(new Set([two, three]));
        const cut = await whatIf({ group_id, studies: 1, add: { rights: READ, scope: { kind: 'all' } } });
        expect([cut.items[0]?.gains.total, cut.items[0]?.gains.items.length]).toEqual([2, 1]);
        const known = await whatIf({
          group_id,
          add: { rights: READ, scope: { kind: 'study', study_uid: one } },
        });
        expect(known.items[0]?.gains).toEqual({ total: 0, items: [] });
        const rows =
          await world.sql`select study_uid from audit where action = 'POST /api/access/what-if' order by id`;
        expect(rows.map((row) => row['study_uid'])).toEqual([null, null, one]);
        const other = await whatIf({ group_id, add: { rights: ['studies:store'], scope: { kind: 'all' } } });
        expect(other.items[0]?.gains.total).toBe(3);
        await world.get(person, `/studies/${two}/series`).expect(404);
      });

      it.each([
        [['studies:read'], undefined, ['studies:read'], [two, three]],
        [['studies:store'], undefined, ['studies:store'], [one, two, three]],
        [
          ['studies:delete', 'studies:read'],
          undefined,
          ['studies:delete', 'studies:read'],
          [one, two, three],
        ],
        [['studies:read', 'audit:read'], undefined, ['studies:read'], [two, three]],
        [['audit:read'], undefined, [], []],
        [['studies:store'], 'studies:read', ['studies:read'], []],
        [['studies:store', 'studies:read'], 'studies:read', ['studies:read'], [two, three]],
      ])('adding or removing %j, asked for %s, looks at %j', async (rights, right, rightsSeen, gained) => {
        const person = await world.radiologist(one);
        const group_id = person.groupId;
        const scope = { kind: 'all' };
        const added = await whatIf({ group_id, add: { rights, scope }, right });
        const made = await admin('post', `/api/groups/${group_id}/grants`)
          .send({ rights, scope })
          .expect(201);
        const { id: remove } = z.looseObject({ id: z.string() }).parse(made.body);
        const removed = await whatIf({ group_id, remove, right });
        for (const said of [added, removed])
          expect([said.right, said.rights]).toEqual([rightsSeen[0] ?? null, rightsSeen]);
        for (const studies of [added.items[0]?.gains, removed.items[0]?.loses]) {
          expect(studies?.total).toBe(gained.length);
          expect(new Set(studies?.items)).toEqual(new Set(gained));
        }
      });

      it('says who would lose which studies, also where another grant stays', async () => {
        const person = await world.radiologist(one, two);
        const grants = `/api/groups/${person.groupId}/grants`;
        const made = await admin('post', grants).send({
          rights: READ,
          scope: { kind: 'patient', issuer: 'TEST', patient_id: 'E-0' },
        });
        const { items } = z
          .object({ items: z.array(z.looseObject({ id: z.string() })) })
          .parse((await admin('get', grants)).body);
        const group_id = person.groupId;
        const [first, second] = await Promise.all(
          items.slice(0, 2).map(({ id: remove }) => whatIf({ group_id, remove })),
        );
        expect(first?.items[0]?.loses).toEqual({ total: 0, items: [] });
        expect(second?.items[0]?.loses).toEqual({ total: 1, items: [two] });
        const { id } = z.object({ id: z.string() }).parse(made.body);
        expect((await whatIf({ group_id, remove: id })).items[0]?.loses.total).toBe(0);
      });

      it('refuses a body that is not a change', async () => {
        const person = await world.radiologist(one);
        const group_id = person.groupId;
        const add = { rights: READ, scope: { kind: 'all' } };
        for (const [body, status] of [
          [{ group_id }, 422],
          [{ group_id, add, remove: person.id }, 422],
          [{ group_id, add: { ...add, until: '2020-01-01T00:00:00Z' } }, 422],
          [{ group_id, add, right: 'audit:read' }, 422],
          [{ group_id, add, people: 101 }, 422],
          [{ group_id, remove: person.id }, 404],
          [{ group_id: person.id, add }, 404],
        ] as const)
          expect([body, (await admin('post', '/api/access/what-if').send(body)).status]).toEqual([
            body,
            status,
          ]);
      });
    });

    describe('storing a study that is not there', () => {
      const STORE = ['studies:store'];
      const told = z.looseObject({ not_decided_by: z.array(z.looseObject({ rule: z.string() })) });

      it.each([
        ['everything', { kind: 'all' }, 'everything'],
        ['what one creates', { kind: 'own-uploads' }, 'would create it'],
      ])('is allowed where %s may be stored, as the store itself does', async (_, scope, words) => {
        const person = await world.radiologist(one);
        const study = freshUid();
        expect(await explain(person.id, study, 'studies:store')).toMatchObject({
          allowed: false,
          missing: 'grant_of_right',
        });
        await admin('post', `/api/groups/${person.groupId}/grants`)
          .send({ rights: STORE, scope })
          .expect(201);
        const said = await explain(person.id, study, 'studies:store');
        expect(said).toMatchObject({ allowed: true, missing: null });
        expect(said.decided_by[0]?.rule).toContain(words);
        expect((await explain(person.id, study, 'studies:delete')).missing).toBe('study_in_catalog');
        expect(await store(person, study)).toBe(200);
      });

      it('is allowed for the study a grant names, and refused for another', async () => {
        const person = await world.radiologist(one);
        const [named, other] = [freshUid(), freshUid()];
        const scope = { kind: 'study', study_uid: named };
        await admin('post', `/api/groups/${person.groupId}/grants`)
          .send({ rights: STORE, scope })
          .expect(201);
        expect(await explain(person.id, named, 'studies:store')).toMatchObject({ allowed: true });
        expect(await explain(person.id, other, 'studies:store')).toMatchObject({
          allowed: false,
          missing: 'scope_over_study',
        });
        expect(await store(person, other)).toBe(409);
        expect(await store(person, named)).toBe(200);
      });

      it('cannot be told before it arrives where its patient decides', async () => {
        const person = await world.radiologist(one);
        const study = freshUid();
        const scope = { kind: 'patient', issuer: 'TEST', patient_id: 'E-9' };
        await admin('post', `/api/groups/${person.groupId}/grants`)
          .send({ rights: STORE, scope })
          .expect(201);
        const said = await explain(person.id, study, 'studies:store');
        expect(said).toMatchObject({ allowed: false, missing: 'study_in_catalog' });
        expect(told.parse(said).not_decided_by[0]?.rule).toContain('its first instance will decide');
      });
    });
  });
}
