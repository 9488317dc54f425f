import { setTimeout as sleep } from 'node:timers/promises';
import { Secret, TOTP } from 'otpauth';
import type { Response, Test } from 'supertest';
import { z } from 'zod';
import type { Caller, Person, World } from '../support/world.ts';
import { login } from './signing.in.ts';

const Enrolment = z.looseObject({ id: z.string(), secret: z.string() });
const Codes = z.looseObject({ id: z.string(), recovery_codes: z.array(z.string()) });

/** What a login answers when it needs a second factor. */
export const Challenged = z.looseObject({
  code: z.literal('second_factor_required'),
  challenge: z.string(),
  expires_in: z.literal(300),
  methods: z.array(z.string()),
  enrol: z.boolean(),
  passkey: z.looseObject({ challenge: z.string() }).optional(),
});

/** A person with an authenticator app and recovery codes. */
export interface Enrolled {
  readonly person: Person;
  readonly factor: string;
  readonly secret: string;
  readonly codes: string[];
}

/** The code of an authenticator app now, or some time steps from now. */
export function codeOf(secret: string, steps = 0): string {
  const totp = new TOTP({ secret: Secret.fromBase32(secret) });
  return totp.generate({ timestamp: Date.now() + steps * 30_000 });
}

/** Waits for the next time step if the current one ends soon, because a code of the previous step would then be two steps old. */
export async function earlyInStep(): Promise<void> {
  const left = 30_000 - (Date.now() % 30_000);
  if (left < 6000) await sleep(left);
}

/** Sends a POST with the access token of the caller. */
export function postAs(
  world: World,
  caller: Pick<Caller, 'authorization'>,
  path: string,
  body: object,
): Test {
  return world.http.post(path).set('authorization', caller.authorization).send(body);
}

/** Enrols an authenticator app for a person. */
export async function enrolTotp(world: World, person: Person) {
  const wish = { kind: 'totp', name: 'phone', password: person.password };
  const begun = await postAs(world, person, '/api/me/second-factors', wish).expect(201);
  const { id, secret } = Enrolment.parse(begun.body);
  const path = `/api/me/second-factors/${id}/confirm`;
  const { body } = await postAs(world, person, path, { code: codeOf(secret) }).expect(200);
  await forgetStep(world, id);
  return { factor: id, secret, body: z.looseObject({}).parse(body) };
}

/** Creates a person with an authenticator app. */
export async function enrolled(world: World): Promise<Enrolled> {
  const person = await world.person();
  const { factor, secret, body } = await enrolTotp(world, person);
  return { person, factor, secret, codes: Codes.parse(body).recovery_codes };
}

/** Allows the code of this time step again, so that a test need not wait for the next step. */
export async function forgetStep(world: World, factor: string): Promise<void> {
  await world.sql`update second_factors set last_step = null where id = ${factor}`;
}

/** Signs in with the password and returns the challenge. */
export async function challengeOf(
  world: World,
  { name, password }: Pick<Person, 'name' | 'password'>,
  session = false,
) {
  const { body } = await login(world, { username: name, password, session }).expect(401);
  return Challenged.parse(body);
}

/** Sends a proof. The caller checks the answer. */
export function prove(world: World, challenge: string, proof: object): Test {
  return world.http.post('/api/auth/second-factor').send({ challenge, ...proof });
}

/** The code of the problem, or the status of another answer. */
export function outcomeOf({ status, body }: Response): string {
  const { code } = z.looseObject({ code: z.string().optional() }).parse(body);
  return code ?? String(status);
}
