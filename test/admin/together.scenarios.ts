import type { Test } from 'supertest';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Person, World } from '../support/world.ts';

const GRANT = { rights: ['studies:read'], scope: { kind: 'patient', issuer: 'NORTH', patient_id: 'P-9' } };

let world: World;
let authorization: string;
let person: Person;
let machine: string;
let key: string;
let grant: string;

type Verb = 'get' | 'post' | 'patch' | 'put' | 'delete';
const admin = (verb: Verb, path: string): Test => world.http[verb](path).set('authorization', authorization);
const idOf = (body: unknown) => z.looseObject({ id: z.uuid() }).parse(body).id;

/** The rows of all tables that an administrator can change. */
async function everything(): Promise<unknown> {
  const [row] = await world.sql`select jsonb_build_array(
    (select jsonb_agg(to_jsonb(a) order by id) from accounts a), (select jsonb_agg(to_jsonb(g) order by id) from groups g),
    (select jsonb_agg(to_jsonb(m) order by m::text) from memberships m),
    (select jsonb_agg(to_jsonb(g) order by id) from grants g),
    (select jsonb_agg(to_jsonb(k) - 'last_used_at' order by id) from api_keys k)) as all`;
  return row?.['all'];
}

/** Every change that the API of the administration offers. */
const changes = (): [string, Verb, string, object?][] => [
  ['adds a person', 'post', '/api/users', { username: 'new', password: 'a brand new reed' }],
  ['renames a person', 'patch', `/api/users/${person.id}`, { display_name: 'other' }],
  ['gives a password', 'patch', `/api/users/${person.id}`, { password: 'another brand new reed' }],
  ['links a person', 'put', `/api/users/${person.id}/patient`, { issuer: 'N', patient_id: '1' }],
  ['unlinks a person', 'delete', `/api/users/${person.id}/patient`],
  ['adds a group', 'post', '/api/groups', { name: 'new' }],
  ['renames a group', 'patch', `/api/groups/${person.groupId}`, { name: 'other' }],
  ['adds a member', 'post', `/api/groups/${person.groupId}/members`, { account_id: machine }],
  ['removes a member', 'delete', `/api/groups/${person.groupId}/members/${person.id}`],
  ['grants', 'post', `/api/groups/${person.groupId}/grants`, GRANT],
  ['takes a grant back', 'delete', `/api/groups/${person.groupId}/grants/${grant}`],
  ['adds a machine', 'post', '/api/accounts', { name: 'mr' }],
  ['changes a machine', 'patch', `/api/accounts/${machine}`, { institution: 'North' }],
  ['makes a key', 'post', `/api/accounts/${machine}/keys`, { name: 'second' }],
  ['changes a key', 'patch', `/api/accounts/${machine}/keys/${key}`, { ranges: ['10.0.0.0/8'] }],
  ['revokes a key', 'delete', `/api/accounts/${machine}/keys/${key}`],
  ['removes a machine', 'delete', `/api/accounts/${machine}`],
  ['removes a person', 'delete', `/api/users/${person.id}`],
  ['removes a group', 'delete', `/api/groups/${person.groupId}`],
];

/** The member `to_self` and the patient of the newest audit row. */
async function toSelf() {
  const [row] = await world.sql`select detail, patient_id from audit order by id desc limit 1`;
  return [z.object({ to_self: z.boolean() }).parse(row?.['detail']).to_self, row?.['patient_id']];
}

/** Registers the tests of this file with the given gateway. */
export function registerTogether(given: () => World): void {
  describe('together', () => {
    beforeAll(async () => {
      world = given();
      ({ authorization } = await world.admin());
      person = await world.person();
      machine = idOf((await admin('post', '/api/accounts').send({ name: 'ct' }).expect(201)).body);
      key = idOf((await admin('post', `/api/accounts/${machine}/keys`).send({ name: 'k' }).expect(201)).body);
      const grants = `/api/groups/${person.groupId}/grants`;
      grant = idOf((await admin('post', grants).send(GRANT).expect(201)).body);
    });

    describe('an administrative change', () => {
      afterEach(() => world.sql`grant insert on audit to radgate_app`);

      it('is not made when its row cannot be written', async () => {
        const before = await everything();
        await world.sql`revoke insert on audit from radgate_app`;
        for (const [what, verb, path, body] of changes()) {
          const answer = await admin(verb, path).send(body);
          expect([what, answer.status, await everything()]).toEqual([what, 503, before]);
        }
        await world.sql`grant insert on audit to radgate_app`;
        await world.http.get('/api/me').set('authorization', person.authorization).expect(200);
      });

      it('has one row, which says what was changed and not the secret', async () => {
        for (const [what, verb, path, body] of changes()) {
          const [before] = await world.sql`select coalesce(max(id), 0) as id from audit`;
          const answer = await admin(verb, path).send(body);
          expect([what, answer.status]).toEqual([what, expect.toSatisfy((status: number) => status < 300)]);
          const rows = await world.sql`
        select status, detail, request_id, xact from audit where id > ${before?.['id']} and account_name = 'admin'`;
          expect([what, rows.length]).toEqual([what, 1]);
          expect(rows[0]?.['status']).toBe(answer.status);
          expect(rows[0]?.['request_id']).toBe(answer.headers['x-request-id']);
          const detail = JSON.stringify(rows[0]?.['detail']);
          expect(detail).not.toMatch(/reed|rgk_|argon/);
          const [, id = ''] = /([0-9a-f-]{36})(?:\/[a-z]+)?$/.exec(path) ?? [];
          expect(detail).toContain(id);
        }
      });

      it('to the own account is marked in its audit row', async () => {
        const me = z
          .object({ account: z.object({ id: z.uuid() }) })
          .parse((await admin('get', '/api/me')).body);
        const group = idOf((await admin('post', '/api/groups').send({ name: 'mine' }).expect(201)).body);
        await admin('post', `/api/groups/${group}/grants`).send(GRANT).expect(201);
        expect(await toSelf()).toEqual([false, 'P-9']);
        await admin('post', `/api/groups/${group}/members`).send({ user_id: me.account.id }).expect(201);
        expect(await toSelf()).toEqual([true, null]);
        await admin('post', `/api/groups/${group}/grants`).send(GRANT).expect(201);
        expect(await toSelf()).toEqual([true, 'P-9']);
      });
    });

    describe('an entity tag', () => {
      it.each([
        ['/api/users', { username: 'tagged', display_name: 'one' }, { display_name: 'two' }],
        ['/api/groups', { name: 'tagged', description: 'one' }, { description: 'two' }],
        ['/api/accounts', { name: 'tagged', institution: 'one' }, { institution: 'two' }],
      ])(
        'keeps %s from being changed by somebody who knows another state of it',
        async (path, made, changed) => {
          const created = await admin('post', path).send(made).expect(201);
          const where = `${path}/${idOf(created.body)}`;
          const old = z.string().parse((await admin('get', where).expect(200)).headers['etag']);
          expect(created.headers['etag']).toBe(old);
          const answer = await admin('patch', where).set('if-match', old).send(changed).expect(200);
          const now = z.string().parse(answer.headers['etag']);
          expect(now).not.toBe(old);
          expect((await admin('get', where).expect(200)).headers['etag']).toBe(now);
          for (const tag of [old, `W/${now}`, '"x"']) {
            await admin('patch', where).set('if-match', tag).send(changed).expect(412);
            await admin('delete', where).set('if-match', `${tag}, "y"`).expect(412);
          }
          expect((await admin('get', where).expect(200)).headers['etag']).toBe(now);
          await admin('patch', where).set('if-match', `"x", ${now}`).send({}).expect(200);
          await admin('delete', where).set('if-match', '*').expect(204);
          await admin('delete', where).set('if-match', now).expect(404);
        },
      );

      it('keeps a key from it, which its use does not change, and a membership', async () => {
        const { id: account, authorization, groupId } = await world.machine();
        const keys = `/api/accounts/${account}/keys`;
        const created = await admin('post', keys).send({ name: 'tagged' }).expect(201);
        const where = `${keys}/${idOf(created.body)}`;
        const old = z.string().parse(created.headers['etag']);
        await world.sql`update api_keys set last_used_at = now() where account_id = ${account}`;
        expect((await admin('get', where).expect(200)).headers['etag']).toBe(old);
        const answer = await admin('patch', where).set('if-match', old).send({ name: 'other' }).expect(200);
        const now = z.string().parse(answer.headers['etag']);
        expect((await admin('get', where).expect(200)).headers['etag']).toBe(now);
        await admin('patch', where).set('if-match', old).send({ name: 'third' }).expect(412);
        await admin('delete', where).set('if-match', old).expect(412);
        await admin('delete', where).set('if-match', now).expect(204);
        const member = `/api/groups/${groupId}/members/${account}`;
        const tag = z.string().parse((await admin('get', member).expect(200)).headers['etag']);
        await admin('delete', member).set('if-match', '"x"').expect(412);
        await world.http.get('/dicom-web/studies').set('authorization', authorization).expect(403);
        await admin('delete', member).set('if-match', tag).expect(204);
      });

      it('accepts one of two changes that began from the same state', async () => {
        const created = await admin('post', '/api/groups').send({ name: 'contested' }).expect(201);
        const where = `/api/groups/${idOf(created.body)}`;
        const tag = z.string().parse(created.headers['etag']);
        const answers = await Promise.all(
          ['a', 'b', 'c', 'd'].map((description) =>
            admin('patch', where).set('if-match', tag).send({ description }),
          ),
        );
        expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412, 412, 412]);
      });
    });

    describe('killed in the middle of changes', () => {
      it('the gateway leaves a row for each change and a change for each row', async () => {
        const gateway = await world.secondGateway();
        const state = { alive: true, asked: 0, made: 0 };
        void gateway.exited.then(() => (state.alive = false));
        const make = async (turn: number) => {
          const body = JSON.stringify({ name: `killed ${turn}` });
          const headers = { authorization, 'content-type': 'application/json' };
          const answer = await fetch(`${gateway.url}/api/groups`, { method: 'POST', headers, body }).catch(
            () => undefined,
          );
          if (answer?.status === 201) state.made += 1;
          // At this moment, the requests of the other writers are running.
          if (state.made === 20) gateway.kill();
        };
        const writers = [1, 2, 3, 4].map(async () => {
          while (state.alive) await make((state.asked += 1));
        });
        const count = async () => {
          const [row] = await world.sql`
        select (select count(*)::int from groups where name like 'killed %') as changes,
               (select count(*)::int from audit where detail->>'name' like 'killed %' and status = 201) as rows`;
          return z.object({ changes: z.number(), rows: z.number() }).parse(row);
        };
        await Promise.all(writers);
        const after = await count();
        expect(after.changes).toBeGreaterThanOrEqual(20);
        expect(after.rows).toBe(after.changes);
        await gateway.stop();
      });
    });
  });
}
