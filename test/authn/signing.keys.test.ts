import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { KeyFile } from '../../src/authn/keys/key.file.js';
import { EnvironmentFaulty } from '../../src/config/env.js';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { isLong } from '../support/long.form.ts';
import { startWorld, World } from '../support/world.ts';
import { rotateUnderLoad } from './rotation.load.ts';
import { statusWith, tokensOf } from './signing.in.ts';

const execute = promisify(execFile);
const command = join(import.meta.dirname, '../../infra/local/rotate.ts');
const built = join(import.meta.dirname, '../../dist/authn/keys/rotate.command.js');

/** A gateway reads the keys every five seconds. Each request for a token costs the gateway the hash of a password. */
const SOON = { timeout: 8000, interval: 500 };

let world: World;
let second: World;
let folder: string;
const started: TestGateway[] = [];

beforeAll(async () => {
  world = await startWorld({ PUBLIC_URL: 'https://radgate.test' });
  folder = await mkdtemp(join(tmpdir(), 'radgate-keys-'));
});
afterAll(async () => {
  for (const gateway of started) await gateway.leave();
  await world.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The same world, but with another gateway process. */
async function another(settings: Readonly<Record<string, string>> = {}): Promise<World> {
  const { PORT: _, DATA_DIR: __, ...env } = world.gateway.env;
  const gateway = await startTestGateway({ ...env, ...settings });
  started.push(gateway);
  return new World(world.database, world.orthanc, gateway, world.adminPassword, world.sql);
}

const token = async (by: World) =>
  (await tokensOf(by, { name: 'admin', password: world.adminPassword })).access_token;
const kidOf = (text: string) =>
  z
    .object({ kid: z.string() })
    .parse(JSON.parse(Buffer.from(text.split('.', 1)[0] ?? '', 'base64url').toString())).kid;
const published = async (by: World) =>
  z
    .object({ keys: z.array(z.looseObject({ kid: z.string() })) })
    .parse((await by.http.get('/.well-known/jwks.json').expect(200)).body)
    .keys.map(({ kid }) => kid);
/** Moves the creation time of the key into the past. */
const age = (kid: string, interval: string) =>
  world.sql`update signing_keys set created_at = now() - ${interval}::interval where kid = ${kid}`;

async function rotate(): Promise<string> {
  const { DATABASE_URL = '', MASTER_KEY = '' } = world.gateway.env;
  const env = { PATH: process.env['PATH'], DATABASE_URL, MASTER_KEY };
  const { stdout } = await execute(process.execPath, [command], { env });
  return /^new signing key (\S+):/.exec(stdout)?.[1] ?? '';
}

const pem = () =>
  generateKeyPairSync('rsa', { modulusLength: 2048 })
    .privateKey.export({ format: 'pem', type: 'pkcs8' })
    .toString();

describe('a signing key of 91 days', () => {
  test('is followed by another that is published first and signs later; tokens of both are taken by every gateway', async () => {
    const before = await token(world);
    await age(kidOf(before), '91 days');

    second = await another();
    const [young = '', old] = await published(second);
    expect(old).toBe(kidOf(before));
    const between = await token(second);
    expect(kidOf(between)).toBe(old);

    await age(young, '16 seconds');
    await expect.poll(async () => kidOf(await token(second)), SOON).toBe(young);
    expect(await published(second)).toEqual([young, old]);
    const after = await token(second);
    for (const gateway of [world, second])
      for (const each of [before, between, after])
        await expect.poll(() => statusWith(gateway, each), { timeout: 8000 }).toBe(200);
  });
});

describe('npm run keys:rotate', () => {
  test('adds a key that running gateways publish and then sign with; older tokens are taken on', async () => {
    const before = await token(world);
    const kid = await rotate();
    await expect.poll(() => published(world), { timeout: 8000 }).toContain(kid);
    expect(await published(world)).toContain(kidOf(before));
    expect(kidOf(await token(world))).toBe(kidOf(before));
    await age(kid, '16 seconds');
    await expect.poll(async () => kidOf(await token(world)), SOON).toBe(kid);
    expect(await statusWith(world, before)).toBe(200);
  });

  test('says what it needs when the environment is wrong', async () => {
    const env = { PATH: process.env['PATH'], DATABASE_URL: 'postgres://x', MASTER_KEY: 'short' };
    await expect(execute(process.execPath, [built], { env })).rejects.toMatchObject({
      stderr: expect.stringContaining('Set DATABASE_URL and MASTER_KEY'),
    });
  });

  if (isLong)
    test('a key that retired is listed until its last token is over', async () => {
      const [, old = ''] = await published(world);
      const retire = (interval: string) =>
        world.sql`update signing_keys set retired_at = now() - ${interval}::interval where kid = ${old}`;
      await retire('17 minutes');
      await expect.poll(() => published(world), { timeout: 8000 }).not.toContain(old);
      await retire('15 minutes');
      await expect.poll(() => published(world), { timeout: 8000 }).toContain(old);
    });
});

describe('a key of JWT_PRIVATE_KEY_FILE', () => {
  test('signs, is known to every gateway, and may be changed for another while they run', async () => {
    const file = join(folder, 'key.pem');
    await writeFile(file, pem());
    const one = await another({ JWT_PRIVATE_KEY_FILE: file });
    const [first = ''] = await published(one);
    await age(first, '16 seconds');
    await expect.poll(async () => kidOf(await token(one)), SOON).toBe(first);
    const before = await token(one);
    const [row] = await world.sql`select private_sealed from signing_keys where kid = ${first}`;
    expect(row).toEqual({ private_sealed: null });

    await writeFile(file, pem());
    await expect.poll(async () => (await published(one))[0], { timeout: 8000 }).not.toBe(first);
    const [next = ''] = await published(one);
    await age(next, '15.5 seconds');
    await expect.poll(async () => kidOf(await token(one)), SOON).toBe(next);
    const after = await token(one);
    for (const each of [one, world])
      for (const text of [before, after])
        await expect.poll(() => statusWith(each, text), { timeout: 8000 }).toBe(200);
  });

  test.each([
    ['that is missing', undefined],
    ['that is no key', 'hello'],
    [
      'of another kind',
      generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    ],
    [
      'that is too small',
      generateKeyPairSync('rsa', { modulusLength: 1024 })
        .privateKey.export({ format: 'pem', type: 'pkcs8' })
        .toString(),
    ],
  ])('%s is a fault of the environment, told without the key', async (_, text) => {
    const file = join(folder, 'bad.pem');
    await rm(file, { force: true });
    if (text !== undefined) await writeFile(file, text);
    await expect(new KeyFile({ JWT_PRIVATE_KEY_FILE: file }).read()).rejects.toThrow(EnvironmentFaulty);
  });
});

test('keys that change every five seconds refuse no token at either of two gateways', async () => {
  const urls = [world.gateway.url, second.gateway.url];
  const outcome = await rotateUnderLoad(world, urls, { seconds: 18, perSecond: 20, hurry: 8 });
  expect(outcome.statuses).toEqual({ 200: expect.any(Number) });
  expect(outcome.keys).toBeGreaterThan(1);
});
