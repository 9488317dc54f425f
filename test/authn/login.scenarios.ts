import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Response, Test } from 'supertest';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Person, World } from '../support/world.ts';
import { login, statusWith, tokensOf, unique } from './signing.in.ts';

let world: World;

const post = (): Test => world.http.post('/api/auth/login');
const change = (token: string, current_password: string, new_password: string): Test =>
  world.http
    .post('/api/me/password')
    .set('authorization', `Bearer ${token}`)
    .send({ current_password, new_password });
const WRONG = 'wrong wrong wrong wrong';
/** The user and system time of a process in ticks of ten milliseconds (proc(5), `stat`). */
async function processorTicks(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name of the program, in parentheses, may contain spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** Sends a request while the row of the account is locked. Changes the account's password before the lock is released. */
async function meanwhile(id: string, ask: () => Test): Promise<Response> {
  const connection = await world.sql.reserve();
  try {
    await connection`begin`;
    const [held] = await connection`select pg_backend_pid() as pid from accounts where id = ${id} for update`;
    const asked = ask().then((answer) => answer);
    const waiting = async () =>
      await world.sql`select pid from pg_stat_activity where ${held?.['pid']}::int = any (pg_blocking_pids(pid))`;
    await expect.poll(waiting).not.toEqual([]);
    await connection`update accounts set password_hash = 'another' where id = ${id}`;
    await connection`commit`;
    return await asked;
  } finally {
    connection.release();
  }
}

/** The number of sign-ins of an account. */
async function signIns(id: string): Promise<unknown> {
  const [row] = await world.sql`
    select (select count(*) from sessions where account_id = ${id}) as browsers,
      (select count(*) from token_families where account_id = ${id}) as tokens`;
  return row;
}

/** Registers the tests of this file with the given gateway. */
export function registerLogin(given: () => World): void {
  describe('login', () => {
    beforeAll(async () => {
      world = given();
    });

    describe('login', () => {
      test('answers unknown, disabled and wrong with the same bytes', async () => {
        const [one, other] = [await world.person(), await world.person()];
        await world.http
          .patch(`/api/users/${other.id}`)
          .set('authorization', (await world.admin()).authorization)
          .send({ disabled: true })
          .expect(200);
        const refusals = [
          await login(world, { username: one.name, password: WRONG }),
          await login(world, { username: other.name, password: other.password }),
          await login(world, { username: unique('nobody'), password: WRONG }),
          await login(world, { username: one.name, password: '' }),
        ];
        const seen = refusals.map(({ status, text, headers }) => {
          const { date: _, 'x-request-id': __, ...rest } = z.record(z.string(), z.unknown()).parse(headers);
          return JSON.stringify({ status, text, rest });
        });
        expect(new Set(seen).size).toBe(1);
        expect(refusals[0]?.status).toBe(401);
        await login(world, { username: one.name, password: one.password }).expect(200);
      });

      test('works as hard for an unknown name as for a wrong password', async () => {
        const { id, name } = await world.person();
        // `world.person()` stores a cheap hash. The gateway stores this one.
        await world.http
          .patch(`/api/users/${id}`)
          .set('authorization', (await world.admin()).authorization)
          .send({ password: randomBytes(16).toString('hex') })
          .expect(200);
        const tries = async (username: () => string, count = 4) => {
          const before = await processorTicks(world.gateway.pid);
          for (let round = 0; round < count; round += 1)
            await login(world, { username: username(), password: WRONG }).expect(401);
          return (await processorTicks(world.gateway.pid)) - before;
        };
        const [ofKnown, ofUnknown] = [() => name, () => unique('x')];
        // The first tries also compile code. Other work of the gateway only adds time, so the smaller of two measurements counts. A name may
        // have ten wrong passwords.
        await tries(ofKnown, 1);
        await tries(ofUnknown, 1);
        const [known, unknown] = [await tries(ofKnown), await tries(ofUnknown)];
        const [again, unknownAgain] = [await tries(ofKnown), await tries(ofUnknown)];
        // Processor time does not depend on other programs. If the gateway did not verify a dummy password, an unknown name would take a tenth
        // of the time of a known name.
        expect(Math.min(unknown, unknownAgain)).toBeGreaterThan(Math.min(known, again) / 2);
      });

      test('finds a name in any case, and a password however its accents are typed', async () => {
        const password = `${randomBytes(9).toString('hex')} Zoë Müller`;
        const username = unique('Ärztin');
        await world.http
          .post('/api/users')
          .set('authorization', (await world.admin()).authorization)
          .send({ username, password: password.normalize('NFD') })
          .expect(201);
        await login(world, {
          username: username.toUpperCase(),
          password: password.normalize('NFC'),
        }).expect(200);
      });

      test('is 429 with Retry-After after repeated failures from here, and others still get in', async () => {
        const [victim, other] = [await world.person(), await world.person()];
        const statuses: number[] = [];
        for (let attempt = 0; attempt < 12; attempt += 1)
          statuses.push((await login(world, { username: victim.name, password: WRONG })).status);
        expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429, 429]);
        const refused = await login(world, { username: victim.name, password: victim.password });
        expect(refused.status).toBe(429);
        expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
        expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(300);
        await tokensOf(world, other);
      });

      test('counts failures of parallel attempts too', async () => {
        const { name: username } = await world.person();
        const answers = await Promise.all(
          Array.from({ length: 40 }, () => login(world, { username, password: WRONG })),
        );
        const tried = answers.filter(({ status }) => status === 401).length;
        // The gateway checks four passwords at the same time, so it checks at most three more than the limit of ten.
        expect(tried).toBeLessThanOrEqual(13);
        expect(answers.filter(({ status }) => status === 429)).toHaveLength(40 - tried);
      });

      test('forgets failures with the right password', async () => {
        const person = await world.person();
        for (let round = 0; round < 3; round += 1) {
          for (let attempt = 0; attempt < 6; attempt += 1)
            await login(world, { username: person.name, password: WRONG }).expect(401);
          await tokensOf(world, person);
        }
      });

      test.each<[string, object, string]>([
        ['nothing', {}, 'username'],
        ['no password', { username: 'x' }, 'password'],
        ['a number', { username: 'x', password: 1 }, 'password'],
        ['a list', { username: ['x'], password: 'x' }, 'username'],
        ['U+0000', { username: 'x\0y', password: 'x' }, 'username'],
        ['an unknown field', { username: 'x', password: 'x', role: 'admin' }, 'role'],
      ])('answers %s with 422 and the field', async (_, body, field) => {
        const answer = await login(world, body).expect(422);
        expect(answer.body).toMatchObject({ status: 422, field });
      });

      test('answers invalid JSON with 400, and another media type with 415', async () => {
        await post().set('content-type', 'application/json').send('{').expect(400);
        await post().set('content-type', 'text/plain').send('{}').expect(415);
        await post().set('content-type', 'application/x-www-form-urlencoded').send('a=b').expect(415);
        await post().expect(422);
      });
    });

    describe('POST /api/me/password', () => {
      test('changes the password and ends every other sign-in', async () => {
        const person = await world.person();
        const [mine, elsewhere] = [await tokensOf(world, person), await tokensOf(world, person)];
        const next = randomBytes(15).toString('hex');
        await change(mine.access_token, person.password, next).expect(204);
        expect(await statusWith(world, mine.access_token)).toBe(200);
        expect(await statusWith(world, elsewhere.access_token)).toBe(401);
        const refresh = (refresh_token: string) =>
          world.http.post('/api/auth/refresh').send({ refresh_token });
        await refresh(elsewhere.refresh_token).expect(401);
        await refresh(mine.refresh_token).expect(200);
        await login(world, { username: person.name, password: person.password }).expect(401);
        await tokensOf(world, { name: person.name, password: next });
      });

      describe('with a new password', () => {
        let person: Person;
        let accessToken: string;
        beforeAll(async () => {
          person = await world.person();
          accessToken = (await tokensOf(world, person)).access_token;
        });

        test.each([
          ['14 characters', 'abcd efgh jklm'],
          ['a common one', 'passwordpassword'],
          ['a common one with digits', 'Password1234567890'],
          ['a run', '123456789012345'],
          ['one piece over and over', 'xyxyxyxyxyxyxyxy'],
          ['a long one of the list', 'zqjphsyf6ctifgu'],
          ['one of the list with signs around it', '!!!2024Starwars2024!!!'],
          ['one of the list twice', 'michellemichelle!'],
          ['fourteen characters of four bytes', '🙂'.repeat(14)],
        ])('refuses %s', async (_, next) => {
          const answer = await change(accessToken, person.password, next).expect(422);
          expect(answer.body).toMatchObject({ field: 'new_password' });
        });
      });

      test('takes fifteen lower-case letters: there are no rules of composition', async () => {
        const person = await world.person();
        const { access_token } = await tokensOf(world, person);
        await change(access_token, person.password, 'gentlywovenreed').expect(204);
      });

      test('needs the current password', async () => {
        const person = await world.person();
        const { access_token } = await tokensOf(world, person);
        const answer = await change(access_token, WRONG, randomBytes(15).toString('hex')).expect(422);
        expect(answer.body).toMatchObject({ field: 'current_password' });
        await tokensOf(world, person);
      });
    });

    describe('a password that is changed while somebody signs in by the old one', () => {
      test.each([false, true])('starts no sign-in (session: %s)', async (session) => {
        const { id, name, password } = await world.person();
        const before = await signIns(id);
        const answer = await meanwhile(id, () => login(world, { username: name, password, session }));
        expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, expect.anything()]);
        expect(await signIns(id)).toEqual(before);
      });

      test('cannot be changed again with the old password', async () => {
        const { id, ...person } = await world.person();
        const { access_token } = await tokensOf(world, person);
        const answer = await meanwhile(id, () => change(access_token, person.password, 'gentlywovenreed'));
        expect([answer.status, answer.body]).toEqual([
          422,
          expect.objectContaining({ field: 'current_password' }),
        ]);
        const [row] = await world.sql`select password_hash from accounts where id = ${id}`;
        expect(row?.['password_hash']).toBe('another');
      });
    });

    describe('a flood of sign-ins', () => {
      test('is refused before it reaches PostgreSQL, and others can still sign in', async () => {
        const person = await world.person();
        const asked = async () => {
          const [row] = await world.sql<{ n: string }[]>`
        select sum(xact_commit + xact_rollback) as n from pg_stat_database where datname = current_database()`;
          return Number(row?.n ?? 0);
        };
        for (let attempt = 0; attempt < 11; attempt += 1)
          await login(world, { username: person.name, password: WRONG });
        await world.sql`select pg_stat_force_next_flush()`;
        const before = await asked();
        const answers = await Promise.all(
          Array.from({ length: 250 }, () => login(world, { username: person.name, password: WRONG })),
        );
        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([429]));
        for (const { headers } of answers) expect(Number(headers['retry-after'])).toBeGreaterThan(0);
        await world.sql`select pg_stat_force_next_flush()`;
        expect((await asked()) - before).toBeLessThan(200);
        const other = await world.person();
        await tokensOf(world, other);
      });
    });
  });
}
