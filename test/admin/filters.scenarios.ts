import type { Test } from 'supertest';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Person, World } from '../support/world.ts';

const List = z.object({ items: z.array(z.record(z.string(), z.unknown())), total: z.number() });
const scope = { kind: 'all' };

let world: World;
let authorization: string;
let one: Person;
let other: Person;
let machine: { id: string; name: string; groupId: string };

const admin = (verb: 'get' | 'post' | 'patch', path: string): Test =>
  world.http[verb](path).set('authorization', authorization);
/** The values of one field in a list. Checks that `total` is the number of these values. */
async function held(path: string, field: string, who = authorization): Promise<unknown[]> {
  const { items, total } = List.parse(
    (await world.http.get(path).set('authorization', who).expect(200)).body,
  );
  expect(total).toBe(items.length);
  return items.map((item) => item[field]);
}

const people = (query: string) => held(`/api/users?${query}`, 'username');
const machines = (query: string) => held(`/api/accounts?${query}`, 'name');

/** Registers the tests of this file with the given gateway. */
export function registerFilters(given: () => World): void {
  describe('filters', () => {
    beforeAll(async () => {
      world = given();
      ({ authorization } = await world.admin());
      one = await world.person({ rights: ['studies:read'], scope: { kind: 'modality', modality: 'CT' } });
      other = await world.person({ rights: ['audit:read', 'studies:read'], scope });
      machine = await world.machine([], { institution: 'North' });
      await admin('patch', `/api/users/${other.id}`).send({ disabled: true }).expect(200);
      await admin('patch', `/api/accounts/${machine.id}`).send({ silent_after_minutes: 1 }).expect(200);
    });

    describe('a list has filters for the properties of its items', () => {
      it('people', async () => {
        expect(await people(`username=${one.name.toUpperCase()}`)).toEqual([one.name]);
        expect(await people(`group=${one.groupId}`)).toEqual([one.name]);
        expect(await people('disabled=true')).toEqual([other.name]);
        expect(await people('disabled=false&q=person')).toEqual([one.name]);
        expect(await people('external=true')).toEqual([]);
        expect(await people('external=false&sort=-username')).toEqual([other.name, one.name, 'admin']);
      });

      it('groups and members', async () => {
        expect(await held(`/api/groups?member=${one.id}`, 'id')).toEqual([one.groupId]);
        expect(await held('/api/groups?right=audit:read&q=group', 'id')).toEqual([other.groupId]);
        await admin('post', `/api/groups/${one.groupId}/members`)
          .send({ account_id: machine.id })
          .expect(201);
        const members = `/api/groups/${one.groupId}/members`;
        expect(await held(`${members}?kind=machine`, 'account_id')).toEqual([machine.id]);
        expect(await held(`${members}?kind=person&disabled=false`, 'user_id')).toEqual([one.id]);
        expect(await held(`${members}?disabled=true`, 'user_id')).toEqual([]);
      });

      it('grants', async () => {
        const grants = `/api/groups/${one.groupId}/grants`;
        const next = {
          rights: ['studies:store'],
          scope: { kind: 'own-uploads' },
          until: '2099-01-01T00:00:00Z',
        };
        await admin('post', grants).send(next).expect(201);
        await admin('post', grants)
          .send({ ...next, scope, until: '2001-01-01T00:00:00Z' })
          .expect(201);
        const scopes = (query: string) => held(`${grants}?${query}`, 'scope');
        const ct = { kind: 'modality', modality: 'CT' };
        expect(await scopes('right=studies:read')).toEqual([ct]);
        expect(await scopes('scope=own-uploads')).toEqual([next.scope]);
        expect(await scopes('expired=true')).toEqual([scope]);
        expect(await scopes('expired=false')).toEqual([ct, next.scope]);
        expect(await scopes('until_before=2100-01-01T00:00:00Z&sort=-until')).toEqual([next.scope, scope]);
      });

      it('machine accounts and their keys', async () => {
        await admin('post', '/api/accounts').send({ name: 'ultrasound' }).expect(201);
        expect(await machines('institution=North')).toEqual([machine.name]);
        expect(await machines(`group=${machine.groupId}`)).toEqual([machine.name]);
        expect(await machines('disabled=true')).toEqual([]);
        expect(await machines('silent=true')).toEqual([]);
        await world.sql`update accounts set created_at = now() - interval '1 hour' where id = ${machine.id}`;
        expect(await machines('silent=true')).toEqual([machine.name]);
        expect(await machines('silent=false')).toEqual(['ultrasound']);
        const keys = `/api/accounts/${machine.id}/keys`;
        await admin('post', keys).send({ name: 'old', expires_at: '2001-01-01T00:00:00Z' }).expect(201);
        expect(await held(`${keys}?expired=true`, 'name')).toEqual(['old']);
        expect(await held(`${keys}?expired=false&used=false`, 'name')).toEqual(['test']);
        expect(await held(`${keys}?used=true`, 'name')).toEqual([]);
      });

      it('sessions, which are paged and sorted like everything', async () => {
        const login = { username: one.name, password: one.password, session: true };
        await world.http.post('/api/auth/login').set('user-agent', 'a browser').send(login).expect(200);
        const of = (query: string) => held(`/api/users/${one.id}/sessions?${query}`, 'kind');
        expect(await of('')).toEqual(['browser', 'token']);
        expect(await of('sort=created_at')).toEqual(['token', 'browser']);
        expect(await of('kind=token')).toEqual(['token']);
        expect(await of('q=BROWSER')).toEqual(['browser']);
        expect(await held('/api/me/sessions?kind=browser', 'kind', one.authorization)).toEqual(['browser']);
        const page = List.parse((await admin('get', `/api/users/${one.id}/sessions?limit=1&offset=1`)).body);
        expect(page).toMatchObject({ total: 2, items: [{ kind: 'token' }] });
      });

      it.each([
        '/api/users?grup=x',
        '/api/users?disabled=maybe',
        '/api/users?group=x',
        '/api/accounts?silent=',
        '/api/groups?right=everything',
        '/api/me/sessions?sort=client',
        '/api/audit?pacient=x',
        '/api/access/explain?user=admin&study=1.2&rights=x',
      ])('refuses an unknown filter or value: %s', async (path) => {
        await admin('get', path).expect(400);
      });
    });
  });
}
