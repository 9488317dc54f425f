import { createHash, randomUUID } from 'node:crypto';
import type { Test } from 'supertest';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { World } from '../support/world.ts';

const Key = z.strictObject({
  id: z.uuid(),
  name: z.string(),
  key: z.string().regex(/^rgk_[\w-]{43}$/),
  expires_at: z.string().nullable(),
  last_used_at: z.null(),
  ranges: z.array(z.string()),
});

let world: World;
let authorization: string;
let account: string;
let path: string;

const admin = (verb: 'get' | 'post' | 'patch' | 'delete', where: string): Test =>
  world.http[verb](where).set('authorization', authorization);
const make = async (body: object) => Key.parse((await admin('post', path).send(body).expect(201)).body);
const me = (header: string) => world.http.get('/api/me').set('authorization', header);
const basic = (name: string, key: string) => `Basic ${Buffer.from(`${name}:${key}`).toString('base64')}`;

/** The scenarios of API keys. The gateway must trust 127.0.0.1 as a proxy. */
export function registerKeys(given: () => World): void {
  describe('keys', () => {
    beforeAll(async () => {
      world = given();
      ({ authorization } = await world.admin());
      const { body } = await admin('post', '/api/accounts').send({ name: 'Scanner Ä' }).expect(201);
      account = z.looseObject({ id: z.uuid() }).parse(body).id;
      path = `/api/accounts/${account}/keys`;
    });

    describe('an API key', () => {
      test('is shown once and stored as SHA-256', async () => {
        const made = await make({ name: 'first' });
        const { key, ...rest } = made;
        expect((await admin('get', `${path}/${made.id}`).expect(200)).body).toEqual(rest);
        expect((await admin('get', path).expect(200)).text).not.toContain(key);
        const [row] = await world.sql`select key_hash as hash from api_keys where id = ${made.id}`;
        expect(row?.['hash']).toEqual(createHash('sha256').update(key).digest());
      });

      test('signs in its machine account, as Bearer and as Basic', async () => {
        const { key } = await make({ name: 'second' });
        for (const header of [
          `Bearer ${key}`,
          `bearer ${key}`,
          basic('Scanner Ä', key),
          basic('SCANNER Ä', key),
        ])
          expect((await me(header).expect(200)).body).toMatchObject({
            account: { id: account, kind: 'machine', name: 'Scanner Ä' },
          });
        for (const header of [
          `Bearer ${key}x`,
          `Bearer ${key.slice(0, -1)}`,
          'Bearer rgk_',
          basic('other', key),
          basic('', key),
          basic('Scanner Ä', ''),
          basic('Scanner Ä', `${key}\0`),
          `Basic ${key}`,
          `Token ${key}`,
        ])
          expect([header, (await me(header)).status]).toEqual([header, 401]);
      });

      test('notes its use, once a minute at most', async () => {
        const { id, key } = await make({ name: 'used' });
        const used = async () =>
          z.object({ last_used_at: z.string() }).parse((await admin('get', `${path}/${id}`)).body)
            .last_used_at;
        await me(`Bearer ${key}`).expect(200);
        const first = await used();
        await me(`Bearer ${key}`).expect(200);
        expect(await used()).toBe(first);
        await world.sql`update api_keys set last_used_at = now() - interval '61 seconds' where id = ${id}`;
        await me(`Bearer ${key}`).expect(200);
        expect(Date.parse(await used())).toBeGreaterThanOrEqual(Date.parse(first));
      });

      test('works from its address ranges only, behind a trusted proxy too, as Bearer and as Basic', async () => {
        const made = await make({ name: 'ranged', ranges: ['10.2.0.0/16', '2001:db8::/32', '192.0.2.7'] });
        expect(made.ranges).toEqual(['10.2.0.0/16', '2001:db8::/32', '192.0.2.7']);
        const from = async (address: string | undefined, header = `Bearer ${made.key}`) =>
          (await me(header).set(address === undefined ? {} : { 'x-forwarded-for': address })).status;
        for (const address of ['10.2.255.1', '::ffff:10.2.0.9', '2001:db8:1::1', '192.0.2.7'])
          expect([address, await from(address)]).toEqual([address, 200]);
        for (const address of ['10.3.0.1', '192.0.2.8', '2001:db9::1', '::1', 'unknown', undefined])
          expect([address, await from(address)]).toEqual([address, 401]);
        expect(await from('10.2.0.1', basic('Scanner Ä', made.key))).toBe(200);
        expect(await from('10.3.0.1', basic('Scanner Ä', made.key))).toBe(401);
        // The gateway ignores forwarded addresses that the client itself sends.
        expect(await from('10.2.0.1, 10.3.0.1')).toBe(401);
        const refused = await me(`Bearer ${made.key}`);
        expect(refused.text).toBe((await me('Bearer rgk_x')).text);
      });

      test.each([
        ['10.0.0.0/33'],
        ['::/129'],
        ['host'],
        ['10.0.0'],
        ['10.0.0.0/8/8'],
        ['fe80::1%eth0'],
        [''],
      ])('is not made for %j', async (range) => {
        const answer = await admin('post', path)
          .send({ name: 'x', ranges: [range] })
          .expect(422);
        expect(answer.body).toMatchObject({ field: 'ranges.0' });
      });

      test('is given another name, end and ranges, and stays the key it is', async () => {
        const { id, key } = await make({ name: 'before', expires_at: '2999-01-01T00:00:00Z' });
        const where = `${path}/${id}`;
        await me(`Bearer ${key}`).expect(200);
        const changed = await admin('patch', where)
          .send({ name: 'after', ranges: ['10.2.0.0/16'] })
          .expect(200);
        expect(changed.body).toMatchObject({ id, name: 'after', ranges: ['10.2.0.0/16'] });
        expect(changed.body).toMatchObject({ expires_at: '2999-01-01T00:00:00.000Z' });
        expect((await admin('get', where).expect(200)).body).toEqual(changed.body);
        await me(`Bearer ${key}`).expect(401);
        await admin('patch', where).send({ ranges: [] }).expect(200);
        await me(`Bearer ${key}`).expect(200);
        await admin('patch', where).send({ expires_at: '2020-01-01T00:00:00Z' }).expect(200);
        await me(`Bearer ${key}`).expect(401);
        await admin('patch', where).send({ expires_at: null }).expect(200);
        await me(`Bearer ${key}`).expect(200);
        await admin('patch', where).send({}).expect(200);
        for (const [body, field] of [
          [{ key: 'rgk_x' }, 'key'],
          [{ ranges: ['x'] }, 'ranges.0'],
          [{ name: '' }, 'name'],
        ] as const)
          expect((await admin('patch', where).send(body).expect(422)).body).toMatchObject({ field });
        await admin('patch', `${path}/${randomUUID()}`).send({}).expect(404);
        await admin('patch', `/api/accounts/${randomUUID()}/keys/${id}`).send({}).expect(404);
      });

      test('has a name that no other living key of the account has', async () => {
        const made = await make({ name: 'taken' });
        for (const name of ['taken', 'TAKEN'])
          expect((await admin('post', path).send({ name }).expect(409)).headers['content-type']).toContain(
            'problem',
          );
        const other = await make({ name: 'free' });
        await admin('patch', `${path}/${other.id}`).send({ name: 'taken' }).expect(409);
        await admin('patch', `${path}/${made.id}`).send({ name: 'Taken', ranges: [] }).expect(200);
        // Keys of different accounts may have the same name.
        const machine = await world.machine();
        await admin('post', `/api/accounts/${machine.id}/keys`).send({ name: 'taken' }).expect(201);
        // A new key may take the name of an expired key. While the new key has this name, the expired key cannot be extended.
        await admin('patch', `${path}/${made.id}`).send({ expires_at: '2020-01-01T00:00:00Z' }).expect(200);
        const { id } = await make({ name: 'taken' });
        await admin('patch', `${path}/${made.id}`).send({ expires_at: null }).expect(409);
        await admin('delete', `${path}/${id}`).expect(204);
        await admin('patch', `${path}/${made.id}`).send({ expires_at: null }).expect(200);
      });

      test('of many created at the same time with one name, one is created', async () => {
        const answers = await Promise.all(
          Array.from({ length: 8 }, async () => (await admin('post', path).send({ name: 'at once' })).status),
        );
        expect(answers.filter((status) => status === 201)).toHaveLength(1);
        expect(answers.filter((status) => status === 409)).toHaveLength(7);
      });

      test('that already shares its name can be changed in all other fields', async () => {
        const [one, two] = [await make({ name: 'shared' }), await make({ name: 'shared 2' })];
        await world.sql`update api_keys set name = 'shared' where id = ${two.id}`;
        await admin('patch', `${path}/${one.id}`)
          .send({ ranges: ['127.0.0.1'] })
          .expect(200);
        await admin('patch', `${path}/${two.id}`).send({ name: 'shared', expires_at: null }).expect(200);
        await admin('patch', `${path}/${two.id}`).send({ name: 'shared 2' }).expect(200);
      });

      test('ends at its date', async () => {
        const expires_at = new Date(Date.now() + 2000).toISOString();
        const made = await make({ name: 'short', expires_at });
        expect(made.expires_at).toBe(expires_at);
        await me(`Bearer ${made.key}`).expect(200);
        await expect.poll(async () => (await me(`Bearer ${made.key}`)).status, { timeout: 6000 }).toBe(401);
      });

      test('ends when it is deleted, or its account disabled or deleted', async () => {
        const [one, other] = [await make({ name: 'one' }), await make({ name: 'other' })];
        await admin('delete', `${path}/${one.id}`).expect(204);
        await admin('delete', `${path}/${one.id}`).expect(404);
        await me(`Bearer ${one.key}`).expect(401);
        await me(`Bearer ${other.key}`).expect(200);
        const machine = `/api/accounts/${account}`;
        await admin('patch', machine).send({ disabled: true }).expect(200);
        await me(`Bearer ${other.key}`).expect(401);
        await admin('patch', machine).send({ disabled: false }).expect(200);
        await me(`Bearer ${other.key}`).expect(200);
        await admin('delete', machine).expect(204);
        await me(`Bearer ${other.key}`).expect(401);
        await admin('get', path).expect(404);
      });

      test('belongs to a machine account that exists', async () => {
        const { id } = await world.person();
        for (const nobody of [id, randomUUID(), 'x'])
          await admin('post', `/api/accounts/${nobody}/keys`).send({ name: 'k' }).expect(404);
        const machine = await world.machine();
        const keys = `/api/accounts/${machine.id}/keys`;
        for (const [body, field] of [
          [{}, 'name'],
          [{ name: 'k', expires_at: 'soon' }, 'expires_at'],
          [{ name: 'k', key: 'rgk_mine' }, 'key'],
        ] as const)
          expect((await admin('post', keys).send(body).expect(422)).body).toMatchObject({ field });
      });

      test('cannot belong to an account with a colon in its name, because of Basic', async () => {
        const answer = await admin('post', '/api/accounts').send({ name: 'a:b' }).expect(422);
        expect(answer.body).toMatchObject({ field: 'name' });
      });
    });
  });
}
