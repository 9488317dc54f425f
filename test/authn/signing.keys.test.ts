import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { KeyFile } from '../../src/authn/keys/key.file.js';
import { EnvironmentFaulty } from '../../src/config/env.js';
import { startTestGateway } from '../support/gateway.ts';
import { isLong, longForm } from '../support/long.form.ts';
import { createStartedDatabase } from '../support/neighbours.ts';
import { startWorld, World } from '../support/world.ts';
import { registerFactorEnrolment } from './factor.enrolment.scenarios.ts';
import { registerSecondFactor } from './second.factor.scenarios.ts';
import { registerSession } from './session.scenarios.ts';
import { registerSessionsList } from './sessions.list.scenarios.ts';
import { statusWith, tokensOf } from './signing.in.ts';

const execute = promisify(execFile);
const built = join(import.meta.dirname, '../../dist/authn/keys/rotate.command.js');
/** `npm run keys:rotate` starts this program, which starts the built command. In `npm test`, only the built command is started. */
const command = longForm(join(import.meta.dirname, '../../infra/local/rotate.ts'), built);

/** A gateway reads the keys every five seconds. Each request for a token costs the gateway the hash of a password. */
const SOON = { timeout: 8000, interval: 500 };

let world: World;
let second: World;
let folder: string;
/** The scenario of the key of a file. It waits for the readings of the keys at the same time as the other tests. */
let fileKeyFollowed: Promise<void>;
/** The end of what the tests have started, in reverse order. */
const ends: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  world = await startWorld({ PUBLIC_URL: 'https://radgate.test' });
  folder = await mkdtemp(join(tmpdir(), 'radgate-keys-'));
  fileKeyFollowed = followFileKey();
  fileKeyFollowed.catch(() => undefined);
});
afterAll(async () => {
  await fileKeyFollowed?.catch(() => undefined);
  for (const end of ends.toReversed()) await end();
  await world.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The same world, but with another gateway process. */
async function another(of: World, settings: Readonly<Record<string, string>> = {}): Promise<World> {
  const { PORT: _, DATA_DIR: __, ...env } = world.gateway.env;
  const gateway = await startTestGateway({ ...env, DATABASE_URL: of.database.appUrl, ...settings });
  ends.push(() => gateway.leave());
  return new World(of.database, of.orthanc, gateway, of.adminPassword, of.sql);
}

/** The world of another database, in which no gateway runs yet. */
async function worldApart(): Promise<World> {
  const database = await createStartedDatabase();
  const sql = postgres(database.ownerUrl, { max: 2 });
  ends.push(
    () => database.drop(),
    () => sql.end(),
  );
  // The key of the template may be some seconds old. A key that a test ages by 16 seconds must be newer than this key.
  await sql`update signing_keys set created_at = created_at - interval '1 hour'`;
  return new World(database, world.orthanc, world.gateway, world.adminPassword, sql);
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
const age = ({ sql }: World, kid: string, interval: string) =>
  sql`update signing_keys set created_at = now() - ${interval}::interval where kid = ${kid}`;

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

/** Sends requests to the gateways with the access token until the signal, four times a second each. Returns the number of the answers by status. */
async function askMeanwhile(gateways: readonly World[], text: () => string, over: AbortSignal) {
  const statuses: Record<number, number> = {};
  const asking = gateways.map(async (gateway) => {
    for (; !over.aborted; await sleep(250)) {
      const status = await statusWith(gateway, text());
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  });
  await Promise.all(asking);
  return statuses;
}

/** Follows the key of a file until it signs, replaces the file, and follows the new key. Uses the gateways of another database. */
async function followFileKey(): Promise<void> {
  const apart = await worldApart();
  const file = join(folder, 'key.pem');
  await writeFile(file, pem());
  const [one, other] = await Promise.all([another(apart, { JWT_PRIVATE_KEY_FILE: file }), another(apart)]);
  const signed = async (kid: string) => {
    await age(apart, kid, '16 seconds');
    return vi.waitFor(async () => {
      const text = await token(one);
      expect(kidOf(text)).toBe(kid);
      return text;
    }, SOON);
  };
  const [first = ''] = await published(one);
  const before = await signed(first);
  const [row] = await apart.sql`select private_sealed from signing_keys where kid = ${first}`;
  expect(row).toEqual({ private_sealed: null });

  await writeFile(file, pem());
  await vi.waitFor(async () => expect((await published(one))[0]).not.toBe(first), SOON);
  const [next = ''] = await published(one);
  const after = await signed(next);
  for (const each of [one, other])
    for (const text of [before, after])
      await vi.waitFor(async () => expect(await statusWith(each, text)).toBe(200), SOON);
}

// These scenarios need the same settings of the gateway. They run while the key of a file is followed.
registerSession(() => world);
registerSessionsList(() => world);
registerSecondFactor(() => world);
registerFactorEnrolment(() => world);

describe('a signing key of 91 days', () => {
  test('is followed by another that is published first and signs later; tokens of both are taken by every gateway', async () => {
    const before = await token(world);
    await age(world, kidOf(before), '91 days');

    second = await another(world);
    const [young = '', old] = await published(second);
    expect(old).toBe(kidOf(before));
    const between = await token(second);
    expect(kidOf(between)).toBe(old);

    await age(world, young, '16 seconds');
    await expect.poll(async () => kidOf(await token(second)), SOON).toBe(young);
    expect(await published(second)).toEqual([young, old]);
    const after = await token(second);
    for (const gateway of [world, second])
      for (const each of [before, between, after])
        await expect.poll(() => statusWith(gateway, each), { timeout: 8000 }).toBe(200);
  });
});

describe('npm run keys:rotate', () => {
  test('adds a key that running gateways publish and then sign with; older tokens are taken on, and none is refused meanwhile', async () => {
    const before = await token(world);
    let latest = before;
    const over = new AbortController();
    const asked = askMeanwhile([world, second], () => latest, over.signal);
    try {
      const kid = await rotate();
      for (const each of [world, second])
        await expect.poll(() => published(each), { timeout: 8000 }).toContain(kid);
      expect(await published(world)).toContain(kidOf(before));
      expect(kidOf(await token(world))).toBe(kidOf(before));
      await age(world, kid, '16 seconds');
      await expect.poll(async () => kidOf((latest = await token(world))), SOON).toBe(kid);
      expect(await statusWith(world, before)).toBe(200);
    } finally {
      over.abort();
    }
    expect(await asked).toEqual({ 200: expect.any(Number) });
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
  test('signs, is known to every gateway, and may be changed for another while they run', () =>
    fileKeyFollowed);

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
