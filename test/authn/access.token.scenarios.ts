import {
  constants,
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  sign,
} from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Person, World } from '../support/world.ts';
import { statusWith, tokensOf } from './signing.in.ts';

const Claims = z.object({
  iss: z.string(),
  aud: z.string(),
  sub: z.string(),
  iat: z.number(),
  exp: z.number(),
  jti: z.string(),
});
type Part = Record<string, unknown>;

let world: World;
let person: Person;
let genuine: z.infer<typeof Claims>;
let key: { kid: string; privateKey: KeyObject };

const encode = (part: Part) => Buffer.from(JSON.stringify(part)).toString('base64url');
const decode = (token: string, index: number): unknown =>
  JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString());

/** A valid access token, if the test changes neither its header, nor its claims, nor the signing key. */
function forge(header: Part = {}, claims: Part = {}, signWith: KeyObject = key.privateKey): string {
  const now = Math.floor(Date.now() / 1000);
  const full = { ...genuine, iat: now, exp: now + 900, ...claims };
  const text = `${encode({ alg: 'RS256', typ: 'at+jwt', kid: key.kid, ...header })}.${encode(full)}`;
  return `${text}.${sign('sha256', Buffer.from(text), signWith).toString('base64url')}`;
}

/** Adds a key that the gateway accepts but does not use for signing. The test has the private part of the key. */
async function plantKey(): Promise<typeof key> {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = randomUUID();
  const jwk = { ...pair.publicKey.export({ format: 'jwk' }) };
  await world.sql`
    insert into signing_keys (kid, public_jwk, private_sealed, retired_at)
    values (${kid}, ${JSON.stringify(jwk)}::text::jsonb, ${Buffer.alloc(1)}, now())`;
  return { kid, privateKey: pair.privateKey };
}

function strangersKey(): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
}

function hmacForged(): string {
  const [header, claims] = forge({ alg: 'HS256' }).split('.');
  const pem = createPublicKey(key.privateKey).export({ format: 'pem', type: 'spki' });
  return `${header}.${claims}.${createHmac('sha256', pem).update(`${header}.${claims}`).digest('base64url')}`;
}

function pssForged(): string {
  const [header, claims] = forge({ alg: 'PS256' }).split('.');
  const signature = sign('sha256', Buffer.from(`${header}.${claims}`), {
    key: key.privateKey,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
  });
  return `${header}.${claims}.${signature.toString('base64url')}`;
}

function tampered(): string {
  const [header, , signature] = forge().split('.');
  const [, claims] = forge({}, { sub: randomUUID() }).split('.');
  return `${header}.${claims}.${signature}`;
}

/** Registers the tests of this file with the given gateway. */
export function registerAccessToken(given: () => World): void {
  describe('access token', () => {
    beforeAll(async () => {
      world = given();
      person = await world.person();
      const { access_token } = await tokensOf(world, person);
      genuine = Claims.parse(decode(access_token, 1));
      key = await plantKey();
    });

    describe('an access token', () => {
      test('is RS256, typ at+jwt, lives 15 minutes and has the documented claims', async () => {
        const { access_token } = await tokensOf(world, person);
        expect(decode(access_token, 0)).toEqual({ alg: 'RS256', typ: 'at+jwt', kid: expect.any(String) });
        const claims = Claims.strict().parse(decode(access_token, 1));
        expect(claims.exp - claims.iat).toBe(900);
        expect(claims.sub).toBe(person.id);
        const { body } = await world.http.get('/.well-known/jwks.json').expect(200);
        const kid = z.object({ kid: z.string() }).parse(decode(access_token, 0)).kid;
        const published = z.object({ keys: z.array(z.looseObject({ kid: z.string() })) }).parse(body).keys;
        const own = published.find((entry) => entry.kid === kid);
        expect(Object.keys(own ?? {}).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
      });

      test('of a key added while the gateway runs is accepted without a restart', async () => {
        await expect.poll(() => statusWith(world, forge()), { timeout: 10_000 }).toBe(200);
      });

      test.each<[string, () => string]>([
        ['no signature (alg none)', () => `${forge({ alg: 'none' }).split('.').slice(0, 2).join('.')}.`],
        ['alg none with a signature', () => forge({ alg: 'none' })],
        ['HS256 keyed with the public key', () => hmacForged()],
        ['PS256', () => pssForged()],
        ['another type', () => forge({ typ: 'JWT' })],
        ['no type', () => forge({ typ: undefined })],
        ['an unknown key id', () => forge({ kid: randomUUID() })],
        ['no key id', () => forge({ kid: undefined })],
        ['a key id that is a path', () => forge({ kid: '../../dev/null' })],
        ['jku', () => forge({ jku: 'http://127.0.0.1:1/keys' })],
        ['x5u', () => forge({ x5u: 'http://127.0.0.1:1/cert' })],
        ['jwk', () => forge({ jwk: { kty: 'RSA' } })],
        ['crit', () => forge({ crit: ['exp'] })],
        ['b64 false', () => forge({ b64: false })],
        ['another audience', () => forge({}, { aud: 'other' })],
        ['a list of audiences', () => forge({}, { aud: ['radgate', 'other'] })],
        ['another issuer', () => forge({}, { iss: 'https://other.test' })],
        ['no issuer', () => forge({}, { iss: undefined })],
        ['an end in the past', () => forge({}, { iat: 1_700_000_000, exp: 1_700_000_900 })],
        ['no end', () => forge({}, { exp: undefined })],
        ['an end in words', () => forge({}, { exp: 'never' })],
        ['a life of a year', () => forge({}, { exp: Math.floor(Date.now() / 1000) + 31_536_000 })],
        ['no start', () => forge({}, { iat: undefined })],
        ['a start in the future', () => forge({}, { iat: genuine.iat + 600, exp: genuine.iat + 900 })],
        ['no jti', () => forge({}, { jti: undefined })],
        ['a jti of no family', () => forge({}, { jti: `${randomUUID()}.${'a'.repeat(43)}` })],
        ['no subject', () => forge({}, { sub: undefined })],
        ['a subject that does not exist', () => forge({}, { sub: randomUUID() })],
        [
          'claims that are no JSON',
          () => `${encode({ alg: 'RS256', typ: 'at+jwt', kid: key.kid })}.e30x.e30`,
        ],
        ['a signature of another key', () => forge({}, {}, strangersKey())],
        ['two parts only', () => forge().split('.').slice(0, 2).join('.')],
        ['a changed claim', () => tampered()],
      ])('with %s is refused', async (_, make) => {
        expect(await statusWith(world, forge())).toBe(200);
        const answer = await world.http.get('/api/me').set('authorization', `Bearer ${make()}`);
        expect(answer.status).toBe(401);
        expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
      });

      test('is refused from the request after its account is disabled, and after it is deleted', async () => {
        const other = await world.person();
        const { id } = other;
        const { access_token } = await tokensOf(world, other);
        const { authorization } = await world.admin();
        const admin = { authorization };
        expect(await statusWith(world, access_token)).toBe(200);
        await world.http.patch(`/api/users/${id}`).set(admin).send({ disabled: true }).expect(200);
        expect(await statusWith(world, access_token)).toBe(401);
        await world.http.patch(`/api/users/${id}`).set(admin).send({ disabled: false }).expect(200);
        expect(await statusWith(world, access_token)).toBe(401);
        const again = await tokensOf(world, other);
        await world.http.delete(`/api/users/${id}`).set(admin).expect(204);
        expect(await statusWith(world, again.access_token)).toBe(401);
      });

      test('names the linked patient', async () => {
        const other = await world.person();
        await world.http
          .put(`/api/users/${other.id}/patient`)
          .set('authorization', (await world.admin()).authorization)
          .send({ issuer: 'HOSPITAL', patient_id: 'P-1' })
          .expect(200);
        const { access_token } = await tokensOf(world, other);
        expect(decode(access_token, 1)).toMatchObject({ patient_id: 'P-1' });
      });
    });
  });
}
