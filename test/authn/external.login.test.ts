import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startTestProvider, type Stranger, type TestProvider } from '../support/oidc.ts';
import { startWorld, type World } from '../support/world.ts';
import { unique } from './signing.in.ts';

const PUBLIC_URL = 'http://radgate.test';
const CALLBACK = `${PUBLIC_URL}/api/auth/oidc/callback`;
const Me = z.object({
  account: z.object({ id: z.string(), name: z.string(), display_name: z.string() }),
  groups: z.array(z.object({ name: z.string() })),
});

let world: World;
let provider: TestProvider;
let admin: string;

beforeAll(async () => {
  provider = await startTestProvider(CALLBACK);
  world = await startWorld({
    PUBLIC_URL,
    OIDC_ISSUER: provider.issuer,
    OIDC_CLIENT_ID: provider.clientId,
    OIDC_CLIENT_SECRET: provider.clientSecret,
    OIDC_NAME: 'Hospital login',
  });
  admin = (await world.admin()).authorization;
  for (const name of ['readers', 'writers'])
    await world.http.post('/api/groups').set('authorization', admin).send({ name }).expect(201);
});
afterAll(async () => {
  await world?.stop();
  await provider?.stop();
});

/** A minimal browser that keeps cookies by host. */
class Browser {
  private readonly jars = new Map<string, Map<string, string>>();

  /** Sends one request. If its URL begins with `PUBLIC_URL`, the request is sent to the gateway. */
  async get(address: string): Promise<Response> {
    const host = new URL(address).host;
    const jar = this.jars.get(host) ?? new Map<string, string>();
    this.jars.set(host, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(address.replace(PUBLIC_URL, world.gateway.url), {
      redirect: 'manual',
      headers: { cookie },
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '' || /expires=thu, 01 jan 1970/i.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    return answer;
  }

  /**
   * Starts the sign-in as the button does, and follows the redirects to the provider. Returns the gateway's callback URL without requesting
   * it.
   */
  async comeBack(next = '/viewer/'): Promise<string> {
    let at = `${PUBLIC_URL}/api/auth/oidc/login?next=${encodeURIComponent(next)}`;
    for (let hop = 0; hop < 8; hop += 1) {
      const answer = await this.get(at);
      at = new URL(answer.headers.get('location') ?? '', at).href;
      if (at.startsWith(CALLBACK)) return at;
    }
    throw new Error(`never came back: ${at}`);
  }

  async login(next?: string): Promise<Response> {
    return this.get(await this.comeBack(next));
  }

  async me(): Promise<z.infer<typeof Me>> {
    return Me.parse(await (await this.get(`${PUBLIC_URL}/api/me`)).json());
  }
}

const meet = (stranger: Partial<Stranger> = {}) => {
  provider.stranger = { sub: unique('sub'), preferred_username: unique('dr'), ...stranger };
  return provider.stranger;
};
const bearer = (token: string) => world.http.get('/api/me').set('authorization', `Bearer ${token}`);
const seconds = () => Math.floor(Date.now() / 1000);
const claims = (sub: string) => ({ sub, iat: seconds(), exp: seconds() + 300 });
/** Signs in at the provider and returns the groups of the account. */
async function joined(): Promise<string[]> {
  const browser = new Browser();
  await browser.login();
  return (await browser.me()).groups.map(({ name }) => name).sort();
}

describe('a login at the provider', () => {
  test('opens a session, makes the account the first time and finds it again', async () => {
    const { preferred_username } = meet({ name: 'Dr. Ada Ärztin' });
    const browser = new Browser();
    const back = await browser.login('/viewer/viewer?StudyInstanceUIDs=1.2');
    expect([back.status, back.headers.get('location')]).toEqual([
      303,
      '/viewer/viewer?StudyInstanceUIDs=1.2',
    ]);
    const first = await browser.me();
    expect(first.account).toMatchObject({ name: preferred_username, display_name: 'Dr. Ada Ärztin' });
    expect(first.groups).toEqual([]);
    const again = new Browser();
    await again.login();
    expect((await again.me()).account.id).toBe(first.account.id);
    const rows = await world.sql`
      select via, status from audit where account_id = ${first.account.id} order by id limit 2`;
    expect(rows).toEqual([
      { via: 'external login', status: 201 },
      { via: 'external login', status: 303 },
    ]);
  });

  test('joins the groups of the claim that exist, leaves them when it does not name them, and keeps what a person gave', async () => {
    const someone = meet({ groups: ['readers', 'no such group', 'READERS'] });
    expect(await joined()).toEqual(['readers']);
    await world.sql`
      insert into memberships (group_id, account_id)
      select g.id, a.id from groups g, accounts a
      where g.name = 'writers' and a.external_subject = ${someone.sub}`;
    const later = () => world.sql`update accounts set external_at = external_at - interval '1 minute'`;
    await later();
    provider.stranger = { ...someone, groups: [] };
    expect(await joined()).toEqual(['writers']);
    await later();
    provider.stranger = { ...someone, groups: 'readers' };
    expect(await joined()).toEqual(['readers', 'writers']);
  });

  test('never takes over an account of the same name', async () => {
    const owner = await world.person();
    meet({ preferred_username: owner.name.toUpperCase() });
    const browser = new Browser();
    await browser.login();
    const { account } = await browser.me();
    expect(account.id).not.toBe(owner.id);
    expect(account.name.startsWith(`${owner.name.toUpperCase()}-`)).toBe(true);
  });

  test('is refused to a disabled account, and sent back to the sign-in page', async () => {
    meet();
    const browser = new Browser();
    await browser.login();
    const { account } = await browser.me();
    await world.http
      .patch(`/api/users/${account.id}`)
      .set('authorization', admin)
      .send({ disabled: true })
      .expect(200);
    const back = await new Browser().login();
    expect(back.headers.get('location')).toBe('/login?failed=external');
    expect(back.headers.getSetCookie().some((line) => line.startsWith('radgate_session='))).toBe(false);
  });

  test.each<[string, (address: URL) => void]>([
    ['another state', (address) => address.searchParams.set('state', 'x')],
    ['another code', (address) => address.searchParams.set('code', 'x')],
    ['another issuer (RFC 9207)', (address) => address.searchParams.set('iss', 'http://127.0.0.1:1')],
    [
      'an error',
      (address) => (address.search = `?error=access_denied&state=${address.searchParams.get('state')}`),
    ],
  ])('that comes back with %s opens no session', async (_, change) => {
    meet();
    const browser = new Browser();
    const address = new URL(await browser.comeBack());
    change(address);
    const back = await browser.get(address.href);
    expect([back.status, back.headers.get('location')]).toEqual([303, '/login?failed=external']);
    expect((await browser.get(`${PUBLIC_URL}/api/me`)).status).toBe(401);
  });

  test('that another browser began opens no session: nobody is signed in as somebody else', async () => {
    meet();
    const address = await new Browser().comeBack();
    const victim = new Browser();
    expect((await victim.get(address)).headers.get('location')).toBe('/login?failed=external');
    expect((await victim.get(`${PUBLIC_URL}/api/me`)).status).toBe(401);
  });

  test.each(['https://evil.test/', '//evil.test', '/\\evil.test', 'viewer', '/%0d\r\nx: y'])(
    'redirects only to our own origin: %j',
    async (next) => {
      meet();
      const location = (await new Browser().login(next)).headers.get('location') ?? '';
      expect(new URL(location, PUBLIC_URL).origin).toBe(PUBLIC_URL);
    },
  );

  test('is told to the sign-in page', async () => {
    const { body } = await world.http.get('/api/auth/methods').expect(200);
    expect(body).toEqual({ external: { name: 'Hospital login', url: '/api/auth/oidc/login' } });
  });
});

const asked = (verb: 'post' | 'patch' | 'delete', path: string) =>
  world.http[verb](path).set('authorization', admin);
/** The audit details about the groups that this person joined or left because of a claim. */
const told = async (sub: string) =>
  (
    await world.sql`
      select a.detail from audit a join accounts on accounts.id = a.account_id
      where external_subject = ${sub} and action = 'groups follow the provider' order by a.id`
  ).map((row) => row['detail']);

describe('a group that a claim gave', () => {
  test('does not count for the last administrator, until a person adds the membership too', async () => {
    const me = Me.extend({ groups: z.array(z.object({ id: z.string(), name: z.string() })) });
    const own = me.parse((await bearer(admin.replace('Bearer ', '')).expect(200)).body);
    const group = own.groups[0]?.id ?? '';
    const { sub } = meet();
    const of = async (groups: string[], age = 0) =>
      me.parse(
        (await bearer(await provider.sign({ ...claims(sub), iat: seconds() - age, groups })).expect(200))
          .body,
      );
    const { account, groups } = await of(['Administrators'], 20);
    expect(groups.map(({ id }) => id)).toEqual([group]);
    // Even with a local password, the account does not count as an administrator who remains, because the claim may change at the next
    // sign-in.
    const password = 'a password of their own';
    await asked('patch', `/api/users/${account.id}`).send({ password }).expect(200);
    for (const way of [`/api/users/${own.account.id}`, `/api/groups/${group}/members/${own.account.id}`])
      await asked('delete', way).expect(409);
    await asked('patch', `/api/users/${own.account.id}`).send({ disabled: true }).expect(409);
    expect((await of([], 10)).groups).toEqual([]);
    expect(await told(sub)).toEqual([
      { joined: [group], left: [] },
      { joined: [], left: [group] },
    ]);

    await of(['Administrators'], 5);
    await asked('post', `/api/groups/${group}/members`).send({ user_id: account.id }).expect(200);
    expect((await of([])).groups.map(({ id }) => id)).toEqual([group]);
    await asked('delete', `/api/groups/${group}/members/${own.account.id}`).expect(204);
    const theirs = await world.signIn(account.name, password);
    await world.http
      .post(`/api/groups/${group}/members`)
      .set('authorization', theirs)
      .send({ user_id: own.account.id })
      .expect(201);
    await asked('delete', `/api/users/${account.id}`).expect(204);
  });
});

describe('an access token of the provider', () => {
  test('is taken as Bearer, with the groups it names', async () => {
    const { sub } = meet();
    const token = await provider.sign({ ...claims(sub), groups: ['readers'] });
    const { body } = await bearer(token).expect(200);
    expect(Me.parse(body).groups).toMatchObject([{ name: 'readers' }]);
    await bearer(await provider.sign(claims(sub), { typ: 'JWT' })).expect(200);
  });

  test('that is older brings back no group that was left since', async () => {
    const { sub } = meet();
    const old = await provider.sign({ ...claims(sub), iat: seconds() - 60, groups: ['readers'] });
    await bearer(old).expect(200);
    await bearer(await provider.sign({ ...claims(sub), groups: [] })).expect(200);
    const { body } = await bearer(old).expect(200);
    expect(Me.parse(body).groups).toEqual([]);
  });

  test.each<[string, object, object]>([
    ['another audience', { aud: 'other' }, {}],
    ['another issuer', { iss: 'http://127.0.0.1:1' }, {}],
    ['no end', { exp: undefined }, {}],
    ['an end in the past', { exp: 1_700_000_000 }, {}],
    ['a start in the future', { iat: 4_000_000_000, exp: 4_000_000_300 }, {}],
    ['no subject', { sub: undefined }, {}],
    ['a nonce: an ID token', { nonce: 'x' }, {}],
    ['at_hash: an ID token', { at_hash: 'x' }, {}],
    ['an unknown key', {}, { kid: 'unknown' }],
    ['another type', {}, { typ: 'logout+jwt' }],
    ['jku', {}, { jku: 'http://127.0.0.1:1/keys' }],
    ['jwk', {}, { jwk: { kty: 'RSA' } }],
  ])('with %s is refused', async (_, wrong, header) => {
    const { sub } = meet();
    await bearer(await provider.sign({ ...claims(sub), ...wrong }, header)).expect(401);
  });

  test('is refused when its account is disabled', async () => {
    const { sub } = meet();
    const token = await provider.sign(claims(sub));
    const { account } = Me.parse((await bearer(token).expect(200)).body);
    await world.http
      .patch(`/api/users/${account.id}`)
      .set('authorization', admin)
      .send({ disabled: true })
      .expect(200);
    await bearer(token).expect(401);
  });
});
