import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { World } from '../support/world.ts';
import { tokensOf } from './signing.in.ts';

let world: World;
let met = 0;
/** The headers of the forged tokens name this server as the source of the key set. `met` counts its connections. */
const stranger = createServer((_request, response) => response.end('{}')).on('connection', () => (met += 1));
let address: string;

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
const decode = (text: string): unknown => JSON.parse(Buffer.from(text, 'base64url').toString());
const Part = z.record(z.string(), z.unknown());

/** Registers the tests of this file with the given gateway. */
export function registerForgedTokens(given: () => World): void {
  describe('forged tokens', () => {
    beforeAll(async () => {
      world = given();
      await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
      address = `http://127.0.0.1:${z.object({ port: z.number() }).parse(stranger.address()).port}`;
    });
    afterAll(async () => {
      stranger.close();
    });

    describe('two hundred forged tokens', () => {
      test('are 401 with equal bytes, and no key URL is requested', async () => {
        const { access_token } = await tokensOf(world, { name: 'admin', password: world.adminPassword });
        const [head = '', body = ''] = access_token.split('.');
        const [header, claims] = [Part.parse(decode(head)), Part.parse(decode(body))];
        const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
        const oddities: readonly object[] = [
          {},
          { jku: `${address}/keys` },
          { x5u: `${address}/cert` },
          { jwk: publicKey.export({ format: 'jwk' }) },
          { crit: ['exp'], exp: 1 },
          { x5c: ['MIIB'] },
          { alg: 'none' },
          { alg: 'HS256' },
          { typ: 'JWT' },
          { kid: `${address}/key` },
        ];
        const forged = Array.from({ length: 200 }, (_, n) => {
          const kid = n < 100 ? randomUUID() : header['kid'];
          const issuer = n % 3 === 0 ? address : claims['iss'];
          const text = `${encode({ ...header, kid, ...oddities[n % oddities.length] })}.${encode({ ...claims, iss: issuer, jti: `${randomUUID()}.${'a'.repeat(43)}` })}`;
          return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`;
        });
        const answers = await Promise.all(
          forged.map((token) => world.http.get('/api/me').set('authorization', `Bearer ${token}`)),
        );
        expect(answers.map(({ status }) => status)).toEqual(forged.map(() => 401));
        const without = (headers: unknown) => {
          const { date: _, 'x-request-id': __, ...rest } = Part.parse(headers);
          return rest;
        };
        const seen = answers.map(({ text, headers }) => JSON.stringify([text, without(headers)]));
        expect(new Set(seen).size).toBe(1);
        expect(met).toBe(0);
        expect(await (await fetch(address)).json()).toEqual({});
        expect(met).toBe(1);
      });
    });
  });
}
