import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Person, World } from '../support/world.ts';
import { login, type Session, sessionOf, statusWith, tokensOf } from './signing.in.ts';

const Listed = z.strictObject({
  items: z.array(
    z.strictObject({
      id: z.uuid(),
      kind: z.enum(['browser', 'token']),
      created_at: z.iso.datetime(),
      last_seen_at: z.iso.datetime(),
      address: z.string(),
      client: z.string(),
      current: z.boolean(),
    }),
  ),
  total: z.number(),
});

const origin = 'https://radgate.test';
let world: World;
let person: Person;

const own = async (authorization: string) =>
  Listed.parse(
    (await world.http.get('/api/me/sessions').set('authorization', authorization).expect(200)).body,
  );
const statusOf = async ({ cookie }: Session) => (await world.http.get('/api/me').set({ cookie })).status;

/** Registers the tests of this file with the given gateway. */
export function registerSessionsList(given: () => World): void {
  describe('sessions list', () => {
    beforeAll(async () => {
      world = given();
      person = await world.person();
    });

    describe('/api/me/sessions', () => {
      test('lists browsers and tokens with where they came from, and which one asks', async () => {
        await login(world, { username: person.name, password: person.password, session: true })
          .set('user-agent', 'Firefox on ward 3')
          .expect(200);
        const { items, total } = await own(person.authorization);
        expect(total).toBe(items.length);
        expect(items.map(({ kind, current }) => [kind, current])).toEqual([
          ['browser', false],
          ['token', true],
        ]);
        expect(items[0]).toMatchObject({
          client: 'Firefox on ward 3',
          address: expect.stringMatching(/127/),
        });
        expect(JSON.stringify(items)).not.toContain('hash');
      });

      test('ends one of the own sign-ins and no other account’s', async () => {
        const session = await sessionOf(world, person);
        const stranger = await world.person();
        const [newest] = (await own(person.authorization)).items;
        const end = (authorization: string, id = '') =>
          world.http.delete(`/api/me/sessions/${id}`).set('authorization', authorization);
        await end(stranger.authorization, newest?.id).expect(404);
        expect(await statusOf(session)).toBe(200);
        await end(person.authorization, newest?.id).expect(204);
        expect(await statusOf(session)).toBe(401);
        await end(person.authorization, newest?.id).expect(404);
      });

      test('ends all others at once, from a browser with its CSRF token too', async () => {
        const other = await tokensOf(world, person);
        const session = await sessionOf(world, person);
        const remove = () => world.http.delete('/api/me/sessions').set({ cookie: session.cookie, origin });
        await remove().expect(403);
        await remove().set('x-csrf-token', session.csrf).expect(204);
        expect(await statusOf(session)).toBe(200);
        expect(await statusWith(world, other.access_token)).toBe(401);
        await world.http.post('/api/auth/refresh').send({ refresh_token: other.refresh_token }).expect(401);
        const { body } = await world.http.get('/api/me/sessions').set({ cookie: session.cookie }).expect(200);
        expect(Listed.parse(body).items).toMatchObject([{ kind: 'browser', current: true }]);
        const [row] = await world.sql`
      select count(*)::int as rows from audit where action = 'DELETE /api/me/sessions' and status = 204`;
        expect(row).toEqual({ rows: 1 });
      });
    });

    describe('/api/users/{id}/sessions', () => {
      test('shows and ends the sign-ins of a person to whoever manages access, and to nobody else', async () => {
        const session = await sessionOf(world, person);
        const tokens = await tokensOf(world, person);
        const path = `/api/users/${person.id}/sessions`;
        const { authorization } = await world.admin();
        await world.http.get(path).set('authorization', `Bearer ${tokens.access_token}`).expect(403);
        const { body } = await world.http.get(path).set('authorization', authorization).expect(200);
        const { items } = Listed.parse(body);
        expect(items.every(({ current }) => !current)).toBe(true);
        const browser = items.find(({ kind }) => kind === 'browser');
        await world.http.delete(`${path}/${browser?.id}`).set('authorization', authorization).expect(204);
        expect(await statusOf(session)).toBe(401);
        expect(await statusWith(world, tokens.access_token)).toBe(200);
        await world.http.delete(path).set('authorization', authorization).expect(204);
        expect(await statusWith(world, tokens.access_token)).toBe(401);
      });
    });
  });
}
