import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { sessionOf } from '../authn/signing.in.ts';
import type { World } from '../support/world.ts';
import { type Principal, type PrincipalName, principals } from './matrix.people.ts';

/** A credential as request headers. */
export interface Credential {
  readonly principal: PrincipalName;
  readonly form: 'none' | 'access token' | 'session cookie' | 'API key' | 'Basic';
  /** The headers of a request. For unsafe methods, they include the headers that a page of the gateway's own origin sends. */
  readonly headers: (method: string) => Readonly<Record<string, string>>;
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Creates an account of each kind for every principal. Returns the credentials of all accounts. */
export async function credentialsOf(world: World): Promise<Credential[]> {
  const all = await Promise.all(namesOf(principals).map((principal) => ofPrincipal(world, principal)));
  return all.flat();
}

function namesOf<T extends object>(table: T): (keyof T)[] {
  const names: (keyof T)[] = [];
  for (const name in table) names.push(name);
  return names;
}

async function ofPrincipal(world: World, principal: PrincipalName): Promise<Credential[]> {
  if (principal === 'anonymous') return [{ principal, form: 'none', headers: () => ({}) }];
  const { only }: Principal = principals[principal];
  return [
    ...(only === 'machine' ? [] : await ofPerson(world, principal)),
    ...(only === 'person' ? [] : await ofMachine(world, principal)),
  ];
}

async function ofPerson(world: World, principal: PrincipalName): Promise<Credential[]> {
  const { grants, patient }: Principal = principals[principal];
  const person = await world.person(...grants);
  const admin = await world.admin();
  const change = (method: 'put' | 'patch', path: string, body: object) =>
    world.http[method](path).set('authorization', admin.authorization).send(body).expect(200);
  if (patient !== undefined) await change('put', `/api/users/${person.id}/patient`, patient);
  const session = await sessionOf(world, person);
  let { authorization } = person;
  if (principal === 'expired') {
    authorization = await expired(world, authorization);
    await world.sql`
      update sessions set created_at = now() - interval '13 hours', last_seen_at = now() - interval '12 hours'
      where account_id = ${person.id}`;
  }
  if (principal === 'disabled') await change('patch', `/api/users/${person.id}`, { disabled: true });
  const { cookie, csrf } = session;
  const page = { origin: world.gateway.url, 'sec-fetch-site': 'same-origin', 'x-csrf-token': csrf };
  return [
    { principal, form: 'access token', headers: () => ({ authorization }) },
    {
      principal,
      form: 'session cookie',
      headers: (method) => (SAFE.has(method) ? { cookie } : { cookie, ...page }),
    },
  ];
}

async function ofMachine(world: World, principal: PrincipalName): Promise<Credential[]> {
  const { grants }: Principal = principals[principal];
  const machine = await world.machine([...grants]);
  if (principal === 'expired')
    await world.sql`update api_keys set expires_at = now() - interval '1 minute' where account_id = ${machine.id}`;
  if (principal === 'disabled') {
    const { authorization } = await world.admin();
    const change = world.http.patch(`/api/accounts/${machine.id}`).set('authorization', authorization);
    await change.send({ disabled: true }).expect(200);
  }
  const basic = `Basic ${Buffer.from(`${machine.name}:${machine.key}`).toString('base64')}`;
  return [
    { principal, form: 'API key', headers: () => ({ authorization: machine.authorization }) },
    { principal, form: 'Basic', headers: () => ({ authorization: basic }) },
  ];
}

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');

/** An expired token with the same claims. It is signed with a key that the gateway publishes. */
async function expired(world: World, authorization: string): Promise<string> {
  const claims: unknown = JSON.parse(
    Buffer.from(authorization.split('.')[1] ?? '', 'base64url').toString('utf8'),
  );
  if (typeof claims !== 'object') throw new Error('a token without claims');
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = randomUUID();
  await world.sql`
    insert into signing_keys (kid, public_jwk, private_sealed, retired_at)
    values (${kid}, ${JSON.stringify(publicKey.export({ format: 'jwk' }))}::text::jsonb, ${Buffer.alloc(1)}, now())`;
  const now = Math.floor(Date.now() / 1000);
  const head = encode({ alg: 'RS256', typ: 'at+jwt', kid });
  const text = `${head}.${encode({ ...claims, iat: now - 1000, exp: now - 100 })}`;
  return `Bearer ${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`;
}
