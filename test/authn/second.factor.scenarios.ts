import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Person, World } from '../support/world.ts';
import {
  challengeOf,
  codeOf,
  earlyInStep,
  type Enrolled,
  enrolled,
  enrolTotp,
  forgetStep,
  outcomeOf,
  postAs,
  prove,
} from './second.factors.ts';
import { cookiesOf, login, Pair, statusWith } from './signing.in.ts';

let world: World;
let owner: Enrolled;

const UNKNOWN_PASSKEY = {
  id: 'AAAA',
  rawId: 'AAAA',
  type: 'public-key',
  response: { clientDataJSON: 'AA', authenticatorData: 'AA', signature: 'AA' },
};
/** Deletes the count of failures of a name from this address (`login_failures.subject`). */
async function forgetFailures(name: string): Promise<void> {
  const subject = createHash('sha256')
    .update(['pair', name.toLowerCase(), '127.0.0.1'].join('\0'))
    .digest('base64url');
  await world.sql`delete from login_failures where subject = ${subject}`;
}
/** A code of another day. */
const wrongCode = (secret: string) => codeOf(secret, 5000);

/** Uses a challenge up with five wrong codes. */
async function failFive(person: Person, secret: string): Promise<void> {
  const { challenge } = await challengeOf(world, person);
  for (let attempt = 0; attempt < 5; attempt += 1)
    await prove(world, challenge, { code: wrongCode(secret) }).expect(401);
}

/** Registers the tests of this file with the given gateway. */
export function registerSecondFactor(given: () => World): void {
  describe('a sign-in with a second factor', () => {
    beforeAll(async () => {
      world = given();
      owner = await enrolled(world);
    });

    it('gives tokens or a session like a login, and is in the audit', async () => {
      const { person, factor, secret, codes } = owner;
      const first = await challengeOf(world, person);
      expect(first).toMatchObject({ methods: ['totp', 'recovery_code'], enrol: false });
      const pair = Pair.parse(
        (await prove(world, first.challenge, { code: codeOf(secret) }).expect(200)).body,
      );
      expect(await statusWith(world, pair.access_token)).toBe(200);
      await forgetStep(world, factor);
      const second = await challengeOf(world, person, true);
      const foreign = prove(world, second.challenge, { code: codeOf(secret) });
      await foreign.set('sec-fetch-site', 'cross-site').expect(403);
      const opened = await prove(world, second.challenge, { recovery_code: codes[0] }).expect(200);
      expect(opened.body).toEqual({ expires_in: 1800 });
      expect(cookiesOf(opened.headers)).toHaveLength(2);
      expect(
        await world.sql`select via, action, status from audit
          where account_name = ${person.name} and action like '%/auth/%' and id > (
            select max(id) from audit where account_name = ${person.name} and action like '%confirm') order by id`,
      ).toEqual([
        { via: 'password', action: 'POST /api/auth/login', status: 401 },
        { via: 'second factor', action: 'POST /api/auth/second-factor', status: 200 },
        { via: 'password', action: 'POST /api/auth/login', status: 401 },
        { via: 'password', action: 'POST /api/auth/second-factor', status: 403 },
        { via: 'second factor', action: 'POST /api/auth/second-factor', status: 200 },
      ]);
    });

    it('does not start with a wrong password or the challenge alone', async () => {
      const { person } = owner;
      const wrong = await login(world, { username: person.name, password: 'wrong wrong wrong' }).expect(401);
      expect(outcomeOf(wrong)).toBe('not-authenticated');
      const { challenge } = await challengeOf(world, person);
      expect(await statusWith(world, challenge)).toBe(401);
      expect(outcomeOf(await world.http.post('/api/auth/refresh').send({ refresh_token: challenge }))).toBe(
        'not-authenticated',
      );
      const enrolling = { challenge, kind: 'totp' };
      expect(outcomeOf(await world.http.post('/api/auth/second-factor/enrolment').send(enrolling))).toBe(
        'challenge-ended',
      );
      await prove(world, challenge, {}).expect(422);
      await prove(world, challenge, { code: '1', recovery_code: '2' }).expect(422);
    });

    it('answers every wrong factor with the same bytes', async () => {
      const other = await enrolled(world);
      const own = await enrolled(world);
      const spent = await challengeOf(world, own.person);
      await prove(world, spent.challenge, { recovery_code: own.codes[0] }).expect(200);
      const replayed = await challengeOf(world, own.person);
      const replay = { code: codeOf(own.secret) };
      await prove(world, replayed.challenge, replay).expect(200);
      const proofs: [string, object][] = [
        ['wrong code', { code: wrongCode(own.secret) }],
        ['no code', { code: '' }],
        ['code of two steps ago', { code: codeOf(own.secret, -2) }],
        ['code of two steps ahead', { code: codeOf(own.secret, 3) }],
        ['code of another account', { code: codeOf(other.secret, 0) }],
        ['replayed code', replay],
        ['code before the accepted one', { code: codeOf(own.secret, -1) }],
        ['used recovery code', { recovery_code: own.codes[0] }],
        ['recovery code of another account', { recovery_code: other.codes[1] }],
        ['unknown passkey', { passkey: UNKNOWN_PASSKEY }],
        [
          'registration',
          {
            registration: { ...UNKNOWN_PASSKEY, response: { clientDataJSON: 'AA', attestationObject: 'AA' } },
          },
        ],
      ];
      const seen = new Map<string, string>();
      for (const [name, proof] of proofs) {
        await forgetFailures(own.person.name);
        const { challenge } = await challengeOf(world, own.person);
        const { status, text, headers } = await prove(world, challenge, proof);
        const { date: _, 'x-request-id': __, ...rest } = z.record(z.string(), z.unknown()).parse(headers);
        seen.set(name, JSON.stringify({ status, text, rest }));
      }
      const [refusal = ''] = seen.values();
      expect(refusal).toContain('"status":401');
      expect(refusal).toContain('www-authenticate');
      expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(proofs.map(([name]) => [name, refusal])));
    });

    it.each([-1, 0, 1])('accepts the code of time step %i', async (steps) => {
      const { person, factor, secret } = owner;
      await forgetStep(world, factor);
      const { challenge } = await challengeOf(world, person);
      await earlyInStep();
      await prove(world, challenge, { code: codeOf(secret, steps) }).expect(200);
    });

    it.each<[string, (own: Enrolled, challenge: string) => Promise<unknown>]>([
      [
        'older than five minutes',
        (_, challenge) => world.sql`
        update sign_in_challenges set created_at = created_at - interval '301 seconds'
        where token_hash = sha256(${challenge}::bytea)`,
      ],
      ['used', (own, challenge) => prove(world, challenge, { recovery_code: own.codes[1] }).expect(200)],
      [
        'of an account whose password changed',
        ({ person }) => world.sql`
        update accounts set password_hash = password_hash || 'x' where id = ${person.id}`,
      ],
      [
        'of a disabled account',
        ({ person }) => world.sql`
        update accounts set disabled = true where id = ${person.id}`,
      ],
      [
        'of an account that an administrator reset',
        async ({ person }) =>
          world.http
            .delete(`/api/users/${person.id}/second-factors`)
            .set('authorization', (await world.admin()).authorization)
            .expect(204),
      ],
      [
        'with five attempts',
        async ({ secret }, challenge) => {
          for (let attempt = 0; attempt < 5; attempt += 1)
            expect(outcomeOf(await prove(world, challenge, { code: wrongCode(secret) }))).toBe(
              'not-authenticated',
            );
        },
      ],
    ])('refuses a right code for a challenge %s', async (_, change) => {
      const own = await enrolled(world);
      const { challenge } = await challengeOf(world, own.person);
      await change(own, challenge);
      expect(outcomeOf(await prove(world, challenge, { code: codeOf(own.secret) }))).toBe('challenge-ended');
      expect(outcomeOf(await prove(world, `${challenge}x`, { code: codeOf(own.secret) }))).toBe(
        'challenge-ended',
      );
    });

    it('refuses a factor that was removed while the challenge was open', async () => {
      const own = await enrolled(world);
      const { factor, secret } = await enrolTotp(world, own.person);
      const { challenge } = await challengeOf(world, own.person);
      const { password } = own.person;
      await postAs(world, own.person, `/api/me/second-factors/${factor}/remove`, { password }).expect(204);
      expect(outcomeOf(await prove(world, challenge, { code: codeOf(secret) }))).toBe('not-authenticated');
      await prove(world, challenge, { code: codeOf(own.secret) }).expect(200);
    });

    it('lets one of several parallel attempts in, with one code or one challenge', async () => {
      const own = await enrolled(world);
      const [one, two, three] = await Promise.all([1, 2, 3].map(() => challengeOf(world, own.person)));
      const code = codeOf(own.secret);
      const sameCode = await Promise.all(
        [one, two, three].map((each) => prove(world, each?.challenge ?? '', { code })),
      );
      expect(sameCode.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([
        200, 401, 401,
      ]);
      const { challenge } = await challengeOf(world, own.person);
      const sameChallenge = await Promise.all(
        own.codes.slice(0, 3).map((recovery_code) => prove(world, challenge, { recovery_code })),
      );
      expect(sameChallenge.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([
        200, 401, 401,
      ]);
    });

    it('counts wrong factors like wrong passwords', async () => {
      const { person, secret } = await enrolled(world);
      const early = await challengeOf(world, person);
      await failFive(person, secret);
      await failFive(person, secret);
      await login(world, { username: person.name, password: person.password }).expect(429);
      const refused = await prove(world, early.challenge, { code: codeOf(secret) }).expect(429);
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    });

    it('refuses an account after twenty wrong factors from all addresses together', async () => {
      const { person, secret } = await enrolled(world);
      for (let round = 0; round < 4; round += 1) {
        await failFive(person, secret);
        await forgetFailures(person.name);
      }
      const { challenge } = await challengeOf(world, person);
      await prove(world, challenge, { code: codeOf(secret) }).expect(429);
    });
  });
}
