import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { startWorld, World } from '../support/world.ts';
import { statusWith, tokensOf } from './signing.in.ts';

let world: World;
const started: TestGateway[] = [];

beforeAll(async () => {
  world = await startWorld({ PUBLIC_URL: 'https://radgate.test' });
});
afterAll(async () => {
  for (const gateway of started) await gateway.stop();
  await world.stop();
});

/** The same world by another gateway process. */
async function another(): Promise<World> {
  const { PORT: _, DATA_DIR: __, ...env } = world.gateway.env;
  const gateway = await startTestGateway(env);
  started.push(gateway);
  return new World(world.database, world.orthanc, gateway, world.adminPassword, world.sql);
}

const kidOf = (token: string) =>
  z
    .object({ kid: z.string() })
    .parse(JSON.parse(Buffer.from(token.split('.', 1)[0] ?? '', 'base64url').toString())).kid;
const published = async (by: World) =>
  z
    .object({ keys: z.array(z.looseObject({ kid: z.string() })) })
    .parse((await by.http.get('/.well-known/jwks.json').expect(200)).body)
    .keys.map(({ kid }) => kid);

describe('a signing key of 91 days', () => {
  test('is followed by another that is published first and signs later; tokens of both are taken by every gateway', async () => {
    const admin = { name: 'admin', password: world.adminPassword };
    const before = (await tokensOf(world, admin)).access_token;
    await world.sql`update signing_keys set created_at = now() - interval '91 days'`;

    const second = await another();
    const [young, old] = await published(second);
    expect(old).toBe(kidOf(before));
    const between = (await tokensOf(second, admin)).access_token;
    expect(kidOf(between)).toBe(old);

    await world.sql`update signing_keys set created_at = now() - interval '3 minutes' where kid = ${young ?? ''}`;
    const third = await another();
    expect(await published(third)).toEqual([young, old]);
    const after = (await tokensOf(third, admin)).access_token;
    expect(kidOf(after)).toBe(young);
    for (const gateway of [world, second, third])
      for (const token of [before, between, after])
        await expect.poll(() => statusWith(gateway, token), { timeout: 8000 }).toBe(200);
  });
});
