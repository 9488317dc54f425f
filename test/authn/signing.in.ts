import { randomBytes } from 'node:crypto';
import type { Test } from 'supertest';
import { z } from 'zod';
import type { World } from '../support/world.ts';

/** The access token and the refresh token in the answer of a sign-in. */
export const Pair = z.strictObject({
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.literal(900),
  refresh_token: z.string(),
});
export type Pair = z.infer<typeof Pair>;

/** The user name and the password of an account. */
export type Credentials = Readonly<{ name: string; password: string }>;

/** A browser session: both cookies as one header, and the value of the readable cookie. */
export type Session = Readonly<{ cookie: string; csrf: string }>;

/** Returns a name that no other test uses. */
export function unique(word: string): string {
  return `${word}-${randomBytes(5).toString('hex')}`;
}

/** Sends `POST /api/auth/login`. The caller sets the expected answer. */
export function login(world: World, body: object): Test {
  return world.http.post('/api/auth/login').send(body);
}

/** Signs in and returns a pair of tokens. */
export async function tokensOf(world: World, { name, password }: Credentials): Promise<Pair> {
  return Pair.parse((await login(world, { username: name, password }).expect(200)).body);
}

/** Signs in and returns a browser session. */
export async function sessionOf(world: World, { name, password }: Credentials): Promise<Session> {
  const answer = await login(world, { username: name, password, session: true }).expect(200);
  const pairs = cookiesOf(answer.headers).map((line) => line.split(';', 1)[0] ?? '');
  const csrf = pairs.find((pair) => pair.startsWith('csrf_token='))?.slice('csrf_token='.length);
  return { cookie: pairs.join('; '), csrf: z.string().parse(csrf) };
}

/** The Set-Cookie lines of an answer. */
export function cookiesOf(headers: unknown): string[] {
  return z.looseObject({ 'set-cookie': z.array(z.string()).default([]) }).parse(headers)['set-cookie'];
}

/** The status of `/api/me` with this token: 200 if the token is valid. */
export async function statusWith(world: World, token: string): Promise<number> {
  return (await world.http.get('/api/me').set('authorization', `Bearer ${token}`)).status;
}
