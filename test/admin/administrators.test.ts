import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Test } from 'supertest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { longForm } from '../support/long.form.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
let authorization: string;
let adminId: string;
let groupId: string;

const Me = z.object({
  account: z.object({ id: z.uuid() }),
  groups: z.array(z.object({ id: z.uuid(), name: z.string() })),
});

beforeAll(async () => {
  world = await startWorld();
  ({ authorization } = await world.admin());
  const me = Me.parse((await admin('get', '/api/me').expect(200)).body);
  adminId = me.account.id;
  groupId = z.string().parse(me.groups[0]?.id);
});
afterAll(() => world.stop());

const admin = (verb: 'get' | 'post' | 'patch' | 'delete', path: string): Test =>
  world.http[verb](path).set('authorization', authorization);
const everyWayOut = async (): Promise<[string, Test][]> => {
  const { body } = await admin('get', `/api/groups/${groupId}/grants`).expect(200);
  const [grant] = z.object({ items: z.array(z.object({ id: z.uuid() })) }).parse(body).items;
  return [
    ['disable', admin('patch', `/api/users/${adminId}`).send({ disabled: true })],
    ['delete', admin('delete', `/api/users/${adminId}`)],
    ['leave', admin('delete', `/api/groups/${groupId}/members/${adminId}`)],
    ['ungrant', admin('delete', `/api/groups/${groupId}/grants/${grant?.id}`)],
    ['dissolve', admin('delete', `/api/groups/${groupId}`)],
  ];
};
const manage = { rights: ['access:manage'], scope: { kind: 'all' } };

describe('the last administrator', () => {
  test('can neither be removed nor lose the right', async () => {
    await world.machine([manage]);
    const disabled = await world.person(manage);
    await admin('patch', `/api/users/${disabled.id}`).send({ disabled: true }).expect(200);
    for (const [way, answer] of await everyWayOut()) expect([way, (await answer).status]).toEqual([way, 409]);
    await admin('get', '/api/users').expect(200);
  });

  test('is not a person whose grant expires', async () => {
    const temporary = await world.person();
    await admin('post', `/api/groups/${temporary.groupId}/grants`)
      .send({ ...manage, until: '2099-01-01T00:00:00Z' })
      .expect(201);
    await admin('delete', `/api/users/${adminId}`).expect(409);
    await admin('delete', `/api/users/${temporary.id}`).expect(204);
  });

  test('remains when two administrators remove each other at once', async () => {
    for (let round = 0; round < longForm(5, 2); round += 1) {
      const others = [await world.person(manage), await world.person(manage)];
      await admin('delete', `/api/groups/${groupId}/members/${adminId}`).expect(204);
      const [one, other] = others;
      const remove = (by: string | undefined, whom: string | undefined) =>
        world.http.delete(`/api/users/${whom}`).set('authorization', by ?? '');
      const answers = await Promise.all([
        remove(one?.authorization, other?.id),
        remove(other?.authorization, one?.id),
      ]);
      const statuses = answers.map(({ status }) => status);
      expect(statuses.filter((status) => status === 204)).toHaveLength(1);
      const survivor = others[statuses.indexOf(204)];
      await world.http
        .post(`/api/groups/${groupId}/members`)
        .set('authorization', survivor?.authorization ?? '')
        .send({ user_id: adminId })
        .expect(201);
      await admin('delete', `/api/users/${survivor?.id}`).expect(204);
    }
  });
});

describe('the first administrator', () => {
  test('is made once by two gateways that start together, with a password in a file of mode 0600', async () => {
    // Makes the database empty, as before the first start of a gateway. The tests above have ended and no longer use the database.
    await world.sql`delete from accounts`;
    await world.sql`delete from groups`;
    await world.sql`delete from signing_keys`;
    const gateways = await Promise.all([unattended(world), unattended(world)]);
    try {
      const people = await world.sql`select name from accounts`;
      expect(people.map((row) => row['name'])).toEqual(['admin']);
      expect(
        await world.sql`select count(*)::int as keys from signing_keys where retired_at is null`,
      ).toEqual([{ keys: 1 }]);
      const files = await Promise.all(
        gateways.map(({ env }) => readable(join(z.string().parse(env['DATA_DIR']), 'admin-password'))),
      );
      const made = z
        .object({ text: z.string(), mode: z.number() })
        .parse(files.find((file) => file !== undefined));
      expect(made.mode).toBe(0o600);
      const password = made.text.trim();
      const [one] = gateways;
      const answer = await fetch(`${one?.url}/api/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ username: 'admin', password }),
      });
      expect(answer.status).toBe(200);
      for (const gateway of gateways) expect(await gateway.logged()).not.toContain(password);
    } finally {
      await Promise.all(gateways.map((gateway) => gateway.leave()));
    }
  });
});

/** Another gateway on the database of the test world, started without ADMIN_PASSWORD. */
function unattended(of: World): Promise<TestGateway> {
  const { PORT: _, DATA_DIR: __, ADMIN_PASSWORD: ___, ...env } = of.gateway.env;
  return startTestGateway(env);
}

async function readable(file: string): Promise<{ text: string; mode: number } | undefined> {
  try {
    return { text: await readFile(file, 'utf8'), mode: (await stat(file)).mode & 0o777 };
  } catch {
    return undefined;
  }
}
