import type { Test } from 'supertest';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Person, World } from '../support/world.ts';
import { cookiesOf, login, type Session, sessionOf, tokensOf } from './signing.in.ts';

let world: World;
let person: Person;
let session: Session;
const origin = 'https://radgate.test';

const me = (headers: Record<string, string>) => world.http.get('/api/me').set(headers);
/** A POST request that fails with 422 if the guard accepts it. */
const change = (headers: Record<string, string>): Test =>
  world.http
    .post('/api/me/password')
    .set({ cookie: session.cookie, ...headers })
    .send({});
const store = (headers: Record<string, string>): Test =>
  world.http
    .post('/dicom-web/studies')
    .set({ cookie: session.cookie, 'content-type': 'application/dicom', ...headers })
    .send('x');
const challenges = async (headers: Record<string, string>): Promise<unknown> =>
  (await me(headers).expect(401)).headers['www-authenticate'];
const PAST_THE_GUARD = 422;

function credentials(): { username: string; password: string } {
  return { username: person.name, password: person.password };
}

/** Registers the tests of this file with the given gateway. */
export function registerSession(given: () => World): void {
  describe('session', () => {
    beforeAll(async () => {
      world = given();
      person = await world.person();
      session = await sessionOf(world, person);
    });

    describe('a session', () => {
      test('is an HttpOnly and a readable cookie, both Strict for the whole site', async () => {
        const { headers } = await login(world, { ...credentials(), session: true }).expect(200);
        const lines = cookiesOf(headers);
        for (const line of lines) {
          expect(line).toMatch(/; SameSite=Strict/);
          expect(line).toMatch(/; Path=\//);
          expect(line).toMatch(/; Secure/);
        }
        expect(lines.map((line) => [line.split('=', 1)[0], line.includes('HttpOnly')])).toEqual([
          ['radgate_session', true],
          ['csrf_token', false],
        ]);
      });

      test('is refused to a page elsewhere', async () => {
        const body = { ...credentials(), session: true };
        await login(world, body).set('origin', 'https://evil.test').expect(403);
        await login(world, body).set('sec-fetch-site', 'cross-site').expect(403);
        await login(world, body).set({ origin, 'sec-fetch-site': 'same-origin' }).expect(200);
      });

      test('signs in reads without any other header', async () => {
        await me({ cookie: session.cookie }).expect(200);
      });

      test('does not count when there is a header, however bad', async () => {
        for (const authorization of [
          '',
          'Bearer',
          'Bearer x',
          'Bearer rgk_x',
          'Basic x',
          'Basic eDp4',
          'Digest x',
          'Bearer a b',
        ])
          expect([authorization, (await me({ cookie: session.cookie, authorization })).status]).toEqual([
            authorization,
            401,
          ]);
      });

      test.each<[string, Record<string, string>, number]>([
        ['neither Origin nor Sec-Fetch-Site', {}, 403],
        ['another Origin', { origin: 'https://evil.test' }, 403],
        ['the Origin null', { origin: 'null' }, 403],
        ['a page of another site', { 'sec-fetch-site': 'cross-site' }, 403],
        ['a page of a neighbouring host', { 'sec-fetch-site': 'same-site' }, 403],
        ['nobody', { 'sec-fetch-site': 'none' }, 403],
        ['our Origin but a page of another site', { origin: 'ours', 'sec-fetch-site': 'cross-site' }, 403],
        ['our Origin', { origin: 'ours' }, PAST_THE_GUARD],
        ['a page of ours', { 'sec-fetch-site': 'same-origin' }, PAST_THE_GUARD],
        ['both', { origin: 'ours', 'sec-fetch-site': 'same-origin' }, PAST_THE_GUARD],
      ])('lets %s change something: %j → %i', async (_, headers, status) => {
        const sent = { ...headers, ...(headers['origin'] === 'ours' ? { origin } : {}) };
        await change({ ...sent, 'x-csrf-token': session.csrf }).expect(status);
      });

      test('needs X-CSRF-Token for a change, equal to the cookie and of this session', async () => {
        const other = await sessionOf(world, person);
        await change({ origin }).expect(403);
        await change({ origin, 'x-csrf-token': '' }).expect(403);
        await change({ origin, 'x-csrf-token': 'x' }).expect(403);
        await change({ origin, 'x-csrf-token': other.csrf }).expect(403);
        const planted = session.cookie.replace(/csrf_token=.*$/, 'csrf_token=planted');
        await change({ origin, cookie: planted, 'x-csrf-token': 'planted' }).expect(403);
        const without = session.cookie.replace(/; csrf_token=.*$/, '');
        await change({ origin, cookie: without, 'x-csrf-token': session.csrf }).expect(403);
        await change({ origin, cookie: without, 'x-csrf-token': '' }).expect(403);
        await change({ origin, 'x-csrf-token': session.csrf }).expect(PAST_THE_GUARD);
      });

      test('stores from the viewer without X-CSRF-Token, but not from elsewhere', async () => {
        const refused = await store({ origin: 'https://evil.test' }).expect(403);
        const rightMissing = await store({ origin }).expect(403);
        expect(rightMissing.text).not.toBe(refused.text);
        expect(rightMissing.text).toContain('grants');
      });

      test('ends after 30 minutes unseen, and after 12 hours in any case', async () => {
        const set = (seen: string, made: string) => world.sql`
      update sessions set last_seen_at = now() - ${seen}::interval, created_at = now() - ${made}::interval
      where account_id = ${person.id}`;
        await set('29 minutes', '11 hours 59 minutes');
        await me({ cookie: session.cookie }).expect(200);
        const [row] =
          await world.sql`select max(last_seen_at) > now() - interval '1 minute' as seen from sessions
        where account_id = ${person.id}`;
        expect(row).toEqual({ seen: true });
        await set('31 minutes', '2 hours');
        await me({ cookie: session.cookie }).expect(401);
        await set('1 minute', '12 hours 1 minute');
        await me({ cookie: session.cookie }).expect(401);
        session = await sessionOf(world, person);
      });

      test('ends at logout, which takes the cookies back', async () => {
        const other = await sessionOf(world, person);
        const { headers } = await world.http
          .post('/api/auth/logout')
          .set({ cookie: other.cookie, origin, 'x-csrf-token': other.csrf })
          .expect(204);
        expect(cookiesOf(headers).every((line) => line.includes('Expires=Thu, 01 Jan 1970'))).toBe(true);
        expect(cookiesOf(headers)).toHaveLength(2);
        await me({ cookie: other.cookie }).expect(401);
        await me({ cookie: session.cookie }).expect(200);
      });
    });

    describe('a 401', () => {
      test('asks for Basic only where there is no browser', async () => {
        expect(await challenges({})).toBe('Bearer realm="radgate", Basic realm="radgate", charset="UTF-8"');
        for (const headers of [{ origin }, { 'sec-fetch-mode': 'cors' }, { cookie: 'a=b' }])
          expect(await challenges(headers)).toBe('Bearer realm="radgate"');
      });

      test('is the same for every fault, and not a redirect', async () => {
        const { access_token } = await tokensOf(world, person);
        const texts = new Set<string>();
        for (const headers of [
          {},
          { authorization: `Bearer ${access_token}x` },
          { authorization: 'Basic eDp4' },
          { cookie: 'radgate_session=x' },
        ])
          texts.add(
            (
              await me(headers)
                .expect(401)
                .expect('content-type', /problem\+json/)
            ).text,
          );
        expect(texts.size).toBe(1);
      });
    });
  });
}
