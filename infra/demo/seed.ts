import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { GRANTS, GROUPS, MACHINES, PEOPLE, SENDERS, type PersonPlan } from './demo.people.ts';
import { GatewayClient } from './gateway.client.ts';
import { storeAll } from './stow.client.ts';

/** The gateway into which the demo is loaded, the account to use, and a function that receives progress messages. */
export interface SeedOptions {
  gateway: string;
  admin: { username: string; password: string };
  log: (line: string) => void;
}

/** A person of the demo. `group` lists all groups of the person. */
export interface DemoPerson {
  username: string;
  password: string;
  group: string;
}

const KEY_NAME = 'demo seed';

const Made = z.object({ id: z.union([z.string(), z.number()]).transform(String) });
const Listed = z.object({ items: z.array(Made.loose()), total: z.number() });
const Login = z.object({ access_token: z.string() });
const Key = Made.extend({ key: z.string() });

/**
 * Loads the demo through public routes only. Creates groups, people and grants, and then stores the studies by STOW-RS with the key of a
 * machine account. Can be repeated after an interrupted run. Sets new passwords each time. Throws an error for an unexpected response.
 */
export async function seedDemo(options: SeedOptions): Promise<DemoPerson[]> {
  const login = await new GatewayClient(options.gateway).json('/api/auth/login', Login, {
    method: 'POST',
    body: options.admin,
  });
  const admin = new GatewayClient(options.gateway, required(login.body, 'login').access_token);
  const groups = new Map<string, string>();
  for (const name of GROUPS) groups.set(name, await findOrMake(admin, '/api/groups', { name }));
  for (const { group, ...grant } of GRANTS) await ensureGrant(admin, groupId(groups, group), grant);
  const people: DemoPerson[] = [];
  for (const person of PEOPLE) people.push(await makePerson(admin, person, groups));
  options.log(`demo: ${groups.size} groups, ${people.length} people`);
  for (const machine of MACHINES) await storeAs(options, admin, groupId(groups, SENDERS), machine);
  return people;
}

async function makePerson(
  admin: GatewayClient,
  person: PersonPlan,
  groups: Map<string, string>,
): Promise<DemoPerson> {
  const { username, display_name } = person;
  const password = randomBytes(15).toString('base64url');
  const made = await admin.json('/api/users', Made, {
    method: 'POST',
    body: { username, display_name, password },
    accept: [409],
  });
  const user_id =
    made.body?.id ?? required(await find(admin, '/api/users', 'username', username), `user ${username}`);
  const path = `/api/users/${encodeURIComponent(user_id)}`;
  if (made.body === undefined) {
    // The password from an earlier run is unknown, so a new password is set.
    await admin.json(path, z.unknown(), { method: 'PATCH', body: { password, disabled: false } });
  }
  if (person.patient !== undefined)
    await admin.json(`${path}/patient`, z.unknown(), { method: 'PUT', body: person.patient });
  for (const name of person.groups) await join(admin, groupId(groups, name), { user_id });
  return { username, password, group: person.groups.join(', ') };
}

async function storeAs(
  options: SeedOptions,
  admin: GatewayClient,
  sendersId: string,
  { account, objects }: (typeof MACHINES)[number],
): Promise<void> {
  const account_id = await findOrMake(admin, '/api/accounts', account);
  await join(admin, sendersId, { account_id });
  const keys = `/api/accounts/${encodeURIComponent(account_id)}/keys`;
  const key = required(
    (
      await admin.json(keys, Key, {
        method: 'POST',
        body: { name: `${KEY_NAME} ${randomBytes(4).toString('hex')}` },
      })
    ).body,
    'key',
  );
  try {
    const machine = new GatewayClient(options.gateway, key.key);
    const stored = await storeAll(machine, objects(), (count) =>
      options.log(`demo: ${account.name}: ${count} objects stored`),
    );
    options.log(`demo: ${account.name}: all ${stored} objects stored by STOW-RS`);
  } finally {
    await admin.json(`${keys}/${encodeURIComponent(key.id)}`, z.unknown(), {
      method: 'DELETE',
      accept: [404],
    });
  }
}

async function findOrMake(
  admin: GatewayClient,
  path: string,
  body: { name: string; institution?: string; issuer?: string },
): Promise<string> {
  const made = await admin.json(path, Made, { method: 'POST', body, accept: [409] });
  if (made.status !== 409) return required(made.body, `${path} ${body.name}`).id;
  return required(await find(admin, path, 'name', body.name), `${path} ${body.name}`);
}

async function find(
  admin: GatewayClient,
  path: string,
  field: string,
  value: string,
): Promise<string | undefined> {
  const found = await admin.json(`${path}?limit=100&q=${encodeURIComponent(value)}`, Listed);
  return found.body?.items.find((item) => item[field] === value)?.id;
}

async function ensureGrant(
  admin: GatewayClient,
  groupId: string,
  grant: { rights: string[]; scope: Record<string, string> },
): Promise<void> {
  const path = `/api/groups/${encodeURIComponent(groupId)}/grants`;
  const listed = await admin.json(`${path}?limit=100`, Listed);
  const same = listed.body?.items.some(
    ({ rights, scope }) => isDeepStrictEqual(rights, grant.rights) && isDeepStrictEqual(scope, grant.scope),
  );
  if (same !== true) await admin.json(path, z.unknown(), { method: 'POST', body: grant });
}

/** Adds an account to a group. 409 means that the account is already a member, which counts as success. */
async function join(
  admin: GatewayClient,
  groupId: string,
  member: { user_id: string } | { account_id: string },
): Promise<void> {
  await admin.json(`/api/groups/${encodeURIComponent(groupId)}/members`, z.unknown(), {
    method: 'POST',
    body: member,
    accept: [409],
  });
}

function groupId(groups: Map<string, string>, name: string): string {
  return required(groups.get(name), `group ${name}`);
}

function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the gateway's answer lacks the ${what}`);
  return value;
}
