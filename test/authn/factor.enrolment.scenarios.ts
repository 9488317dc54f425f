import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Person, World } from '../support/world.ts';
import { SoftwarePasskey } from '../support/software.passkey.ts';
import {
  challengeOf,
  Challenged,
  codeOf,
  enrolled,
  enrolTotp,
  outcomeOf,
  postAs,
  prove,
} from './second.factors.ts';
import { login, Pair, sessionOf, statusWith, tokensOf } from './signing.in.ts';

const ORIGIN = 'https://radgate.test';
const WithCodes = z.looseObject({ recovery_codes: z.array(z.string()) });
const Begun = z.looseObject({
  id: z.string(),
  secret: z.string().optional(),
  passkey: z.unknown().optional(),
});

let world: World;
/** The header of the administrator. One sign-in costs the gateway the hash of a password. */
let admin: string;

const asAdmin = (method: 'get' | 'patch' | 'post' | 'delete', path: string, body?: object) =>
  world.http[method](path).set('authorization', admin).send(body);
const require = (groupId: string) =>
  asAdmin('patch', `/api/groups/${groupId}`, { requires_second_factor: true });
const begin = async (caller: Person, kind: string) =>
  Begun.parse(
    (await postAs(world, caller, '/api/me/second-factors', { kind, password: caller.password }).expect(201))
      .body,
  );
const confirm = (caller: Person, id: string, proof: object) =>
  postAs(world, caller, `/api/me/second-factors/${id}/confirm`, proof);
const enrolment = (challenge: string, kind: string) =>
  world.http.post('/api/auth/second-factor/enrolment').send({ challenge, kind });
const idsOf = (body: unknown) =>
  z
    .looseObject({ items: z.array(z.looseObject({ id: z.string() })) })
    .parse(body)
    .items.map(({ id }) => id);

/** Adds a passkey to a person. */
async function withPasskey(person: Person): Promise<SoftwarePasskey> {
  const passkey = new SoftwarePasskey(ORIGIN);
  const { id, passkey: options } = await begin(person, 'passkey');
  await confirm(person, id, { registration: passkey.register(options) }).expect(200);
  return passkey;
}

/** Registers the tests of this file with the given gateway. Its public address is {@link ORIGIN}. */
export function registerFactorEnrolment(given: () => World): void {
  describe('second factors', () => {
    beforeAll(async () => {
      world = given();
      admin = (await world.admin()).authorization;
    });

    describe('that a group requires', () => {
      it('are enrolled in the sign-in, by one challenge and only while the account has none', async () => {
        const person = await world.person();
        expect((await require(person.groupId)).status).toBe(200);
        const [first, second, third] = await Promise.all(
          [1, 2, 3].map(() => challengeOf(world, person, true)),
        );
        expect(first).toMatchObject({ enrol: true, methods: ['totp', 'passkey'] });
        const { challenge = '' } = first ?? {};
        expect(outcomeOf(await prove(world, challenge, { code: '123456' }))).toBe('not-authenticated');
        const { secret = '' } = Begun.parse((await enrolment(challenge, 'totp').expect(200)).body);
        const other = Begun.parse((await enrolment(second?.challenge ?? '', 'totp').expect(200)).body);
        const done = await prove(world, challenge, { code: codeOf(secret) }).expect(200);
        expect(WithCodes.parse(done.body).recovery_codes).toHaveLength(10);
        expect(done.body).toMatchObject({ expires_in: 1800 });
        // Somebody who knows only the password had opened these challenges.
        for (const late of [second, third]) {
          expect(outcomeOf(await enrolment(late?.challenge ?? '', 'totp'))).toBe('challenge-ended');
          const proof = { code: codeOf(other.secret ?? '') };
          expect(outcomeOf(await prove(world, late?.challenge ?? '', proof))).toBe('challenge-ended');
        }
        const [recovery_code] = WithCodes.parse(done.body).recovery_codes;
        const next = await challengeOf(world, person);
        expect(next.enrol).toBe(false);
        Pair.parse((await prove(world, next.challenge, { recovery_code }).expect(200)).body);
      });

      it('end the sign-ins of members without one, also of a new member, and of no others', async () => {
        const bare = await world.person();
        const session = await sessionOf(world, bare);
        const { person, secret, codes } = await enrolled(world);
        const { challenge } = await challengeOf(world, person);
        const proved = Pair.parse(
          (await prove(world, challenge, { recovery_code: codes[0] }).expect(200)).body,
        );
        const machine = await world.machine();
        const external = await world.person();
        await world.sql`update accounts set password_hash = null where id = ${external.id}`;
        await world.sql`update token_families set signed_in_by = 'external' where account_id = ${external.id}`;
        const outsider = await world.person();
        for (const { id } of [person, external])
          expect((await asAdmin('post', `/api/groups/${bare.groupId}/members`, { user_id: id })).status).toBe(
            201,
          );
        await asAdmin('post', `/api/groups/${bare.groupId}/members`, { account_id: machine.id });
        const preview = await asAdmin('get', `/api/groups/${bare.groupId}/second-factor`);
        expect(preview.body).toEqual({
          with_factor: 1,
          without_factor: 1,
          usernames: [bare.name],
          exempt: 1,
          sign_ins: 2,
        });
        const answer = await require(bare.groupId);
        expect(answer.body).toMatchObject({ requires_second_factor: true });
        const statuses = async () => ({
          bare: (await world.http.get('/api/me').set('cookie', session.cookie)).status,
          tokens: await statusWith(world, bare.authorization.slice(7)),
          proved: await statusWith(world, proved.access_token),
          external: await statusWith(world, external.authorization.slice(7)),
          machine: await statusWith(world, machine.key),
          outsider: await statusWith(world, outsider.authorization.slice(7)),
        });
        const kept = { proved: 200, external: 200, machine: 200 };
        expect(await statuses()).toEqual({ ...kept, bare: 401, tokens: 401, outsider: 200 });
        await asAdmin('post', `/api/groups/${bare.groupId}/members`, { user_id: outsider.id });
        expect(await statuses()).toEqual({ ...kept, bare: 401, tokens: 401, outsider: 401 });
        expect((await challengeOf(world, outsider)).enrol).toBe(true);
        expect(codeOf(secret)).toMatch(/^\d{6}$/);
      });

      it('are needed by a sign-in that was starting when the group began to require them', async () => {
        const { id, groupId, ...person } = await world.person();
        const connection = await world.sql.reserve();
        try {
          await connection`begin`;
          const [held] =
            await connection`select pg_backend_pid() as pid from accounts where id = ${id} for update`;
          const asked = login(world, { username: person.name, password: person.password }).then(
            (answer) => answer,
          );
          const waiting = () =>
            world.sql`select pid from pg_stat_activity where ${held?.['pid']}::int = any (pg_blocking_pids(pid))`;
          await expect.poll(async () => await waiting()).not.toEqual([]);
          await connection`update groups set requires_second_factor = true where id = ${groupId}`;
          await connection`commit`;
          expect((await asked).status).toBe(401);
        } finally {
          connection.release();
        }
        const [row] = await world.sql`select count(*)::int as n from token_families where account_id = ${id}`;
        // The world signed the person in once.
        expect(row?.['n']).toBe(1);
      });

      it('cannot be removed by their owner', async () => {
        const { person, factor } = await enrolled(world);
        await require(person.groupId);
        const { password } = person;
        const remove = (id: string) =>
          postAs(world, person, `/api/me/second-factors/${id}/remove`, { password });
        // The enrolment was in this sign-in, so it goes on.
        expect(outcomeOf(await remove(factor))).toBe('second-factor-needed');
        const second = await enrolTotp(world, person);
        expect(second.body).not.toHaveProperty('recovery_codes');
        await remove(factor).expect(204);
        expect(outcomeOf(await remove(second.factor))).toBe('second-factor-needed');
      });
    });

    describe('of the own account', () => {
      it('need the password again, and the proof that they work', async () => {
        const [person, other] = [await world.person(), await enrolled(world)];
        const path = '/api/me/second-factors';
        const wrong = { password: 'wrong wrong wrong wrong' };
        expect(outcomeOf(await postAs(world, person, path, { kind: 'totp', ...wrong }))).toBe(
          'wrong-password',
        );
        expect(outcomeOf(await postAs(world, other.person, `${path}/${other.factor}/remove`, wrong))).toBe(
          'wrong-password',
        );
        expect(outcomeOf(await postAs(world, other.person, '/api/me/recovery-codes', wrong))).toBe(
          'wrong-password',
        );
        const machine = await world.machine();
        expect(outcomeOf(await postAs(world, machine, path, { kind: 'totp', ...wrong }))).toBe(
          'wrong-password',
        );
        const { id, secret = '' } = await begin(person, 'totp');
        expect(outcomeOf(await confirm(person, id, { code: codeOf(secret, 5000) }))).toBe('wrong-factor');
        for (const [caller, which] of [
          [other.person, id],
          [person, randomUUID()],
        ] as const)
          expect(outcomeOf(await confirm(caller, which, { code: codeOf(secret) }))).toBe('not-found');
        // An enrolment in progress does not change the sign-in.
        await tokensOf(world, person);
        await world.sql`update second_factors set created_at = created_at - interval '11 minutes' where id = ${id}`;
        expect(outcomeOf(await confirm(person, id, { code: codeOf(secret) }))).toBe('not-found');
      });

      it('are at most ten, and recovery codes can be renewed', async () => {
        const { person, codes } = await enrolled(world);
        await world.sql`
          insert into second_factors (account_id, kind, name, confirmed_at, secret_sealed)
          select ${person.id}, 'totp', 'more', now(), '\\x00' from generate_series(1, 9)`;
        const { password } = person;
        const more = await postAs(world, person, '/api/me/second-factors', { kind: 'totp', password });
        expect(outcomeOf(more)).toBe('too-many-factors');
        await world.sql`delete from second_factors where account_id = ${person.id} and name = 'more'`;
        const renewed = await postAs(world, person, '/api/me/recovery-codes', { password }).expect(200);
        const { recovery_codes } = WithCodes.parse(renewed.body);
        const { challenge } = await challengeOf(world, person);
        await prove(world, challenge, { recovery_code: codes[3] }).expect(401);
        await prove(world, challenge, { recovery_code: recovery_codes[3] }).expect(200);
        const { body } = await world.http
          .get('/api/me/second-factors')
          .set('authorization', person.authorization);
        expect(body).toMatchObject({ recovery_codes_left: 9, required: false, passkeys_available: true });
        expect(JSON.stringify(body)).not.toContain('secret');
      });

      it('keep only hashes and encrypted secrets in the database', async () => {
        const { person, secret, codes } = await enrolled(world);
        const rows = await world.sql`
          select f::text as factor, (select string_agg(c::text, ' ') from recovery_codes c where c.account_id = f.account_id) as codes
          from second_factors f where account_id = ${person.id}`;
        const raw = Buffer.from(secret).toString('hex');
        for (const text of [secret, raw, codes[0] ?? '']) expect(JSON.stringify(rows)).not.toContain(text);
        // A secret that was copied to another row cannot be decrypted.
        const victim = await enrolled(world);
        await world.sql`update second_factors f set secret_sealed = o.secret_sealed from second_factors o
          where f.id = ${victim.factor} and o.id = (select id from second_factors where account_id = ${person.id})`;
        const { challenge } = await challengeOf(world, victim.person);
        await prove(world, challenge, { code: codeOf(secret) }).expect(401);
        await prove(world, challenge, { recovery_code: victim.codes[0] }).expect(200);
      });
    });

    describe('that an administrator resets', () => {
      it('are gone with the sign-ins of the person, and the audit has a row', async () => {
        const { person } = await enrolled(world);
        await withPasskey(person);
        const path = `/api/users/${person.id}/second-factors`;
        expect(idsOf((await asAdmin('get', path)).body)).toHaveLength(2);
        expect((await asAdmin('delete', path)).status).toBe(204);
        expect(await statusWith(world, person.authorization.slice(7))).toBe(401);
        await tokensOf(world, person);
        expect((await asAdmin('get', path)).body).toMatchObject({ items: [], recovery_codes_left: 0 });
        const [row] = await world.sql`
          select account_name, status, detail from audit where action = 'DELETE /api/users/:user/second-factors'
            and detail->>'user' = ${person.id}`;
        expect(row).toMatchObject({ account_name: 'admin', status: 204, detail: { removed: 2 } });
      });

      it('are not those of the own account', async () => {
        const [row] = await world.sql`select id from accounts where name = 'admin'`;
        const answer = await asAdmin('delete', `/api/users/${z.string().parse(row?.['id'])}/second-factors`);
        expect(outcomeOf(answer)).toBe('own-account');
      });
    });

    describe('that are passkeys', () => {
      it('are registered, and sign in', async () => {
        const person = await world.person();
        const passkey = await withPasskey(person);
        const { methods, challenge, passkey: options } = await challengeOf(world, person);
        expect(methods).toEqual(['passkey', 'recovery_code']);
        expect(options).toMatchObject({ rpId: 'radgate.test', userVerification: 'required' });
        const answer = passkey.assert(options);
        Pair.parse((await prove(world, challenge, { passkey: answer }).expect(200)).body);
        const again = await challengeOf(world, person);
        await prove(world, again.challenge, { passkey: answer }).expect(401);
        await prove(world, again.challenge, { passkey: passkey.assert(again.passkey) }).expect(200);
      });

      it.each([
        ['of another origin', { origin: 'https://evil.test' }],
        ['of another service', { rpId: 'evil.test' }],
        ['for another challenge', { challenge: 'AAAA' }],
        ['without user verification', { isVerified: false }],
      ])('are refused with an answer %s', async (_, faults) => {
        const person = await world.person();
        const { id, passkey: options } = await begin(person, 'passkey');
        const bad = new SoftwarePasskey(ORIGIN).register(options, faults);
        expect(outcomeOf(await confirm(person, id, { registration: bad }))).toBe('wrong-factor');
        const passkey = await withPasskey(person);
        const { challenge, passkey: asked } = await challengeOf(world, person);
        await prove(world, challenge, { passkey: passkey.assert(asked, faults) }).expect(401);
      });

      it('are refused if they belong to another account, or their counter goes back', async () => {
        const [person, other] = [await world.person(), await world.person()];
        const [own, foreign] = [await withPasskey(person), await withPasskey(other)];
        const { challenge, passkey: asked } = await challengeOf(world, person);
        await prove(world, challenge, { passkey: foreign.assert(asked) }).expect(401);
        own.signCount = 7;
        await prove(world, challenge, { passkey: own.assert(asked) }).expect(200);
        const { challenge: next, passkey: copied } = await challengeOf(world, person);
        own.signCount = 3;
        await prove(world, next, { passkey: own.assert(copied) }).expect(401);
        const { id, passkey: options } = await begin(other, 'passkey');
        expect(outcomeOf(await confirm(other, id, { registration: own.register(options) }))).toBe(
          'wrong-factor',
        );
      });
    });

    it('are asked by one gateway and proved at another, after the first was killed', async () => {
      const { person, secret } = await enrolled(world);
      const gateway = await world.secondGateway();
      const answer = await fetch(`${gateway.url}/api/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ username: person.name, password: person.password }),
      });
      const { challenge } = Challenged.parse(await answer.json());
      await gateway.leave();
      Pair.parse((await prove(world, challenge, { code: codeOf(secret) }).expect(200)).body);
    });
  });
}
