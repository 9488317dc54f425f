import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import request from 'supertest';
import { inject } from 'vitest';
import { z } from 'zod';
import { cheapHash } from './cheap.hash.ts';
import { startTestGateway, type TestGateway } from './gateway.ts';
import type { OwnOrthanc, TestOrthanc } from './archives.ts';
import { createStartedDatabase, lendOrthanc, startTestOrthanc, type TestDatabase } from './neighbours.ts';
import { multipartOf } from './stow.body.ts';
import { CLIENT_CANARY } from './upstream.grammar.ts';

export type Scope = Readonly<Record<string, string>>;
export type GrantWish = { rights: readonly string[]; scope: Scope };

/** A person or a machine account. `authorization` is the header with its access token or API key. */
export type Caller = { id: string; name: string; authorization: string };
export type Person = Caller & { password: string; groupId: string };

const clientHeaders = {
  'x-canary': CLIENT_CANARY,
  'user-agent': CLIENT_CANARY,
  'accept-language': CLIENT_CANARY,
  referer: `https://${CLIENT_CANARY}.example/`,
  traceparent: CLIENT_CANARY,
};

const Id = z.object({ id: z.string() });
const Token = z.object({ access_token: z.string() });
const Key = z.object({ key: z.string() });

/** A gateway with its own database and an empty archive, and functions that add people and machine accounts. */
export class World<Archive extends TestOrthanc = TestOrthanc> {
  readonly adminPassword: string;
  private count = 0;
  /** The header with which the administrator creates people and machine accounts. */
  private creator: Promise<string> | undefined;

  constructor(
    readonly database: TestDatabase,
    readonly orthanc: Archive,
    public gateway: TestGateway,
    adminPassword: string,
    readonly sql: postgres.Sql,
  ) {
    this.adminPassword = adminPassword;
  }

  /** A supertest agent for the gateway under test. Each request has headers that must never reach the archive. */
  get http() {
    return request.agent(this.gateway.url).set(clientHeaders);
  }

  /** Signs in and returns the `Authorization` header with a new access token. */
  async signIn(username: string, password: string): Promise<string> {
    const answer = await this.http.post('/api/auth/login').send({ username, password }).expect(200);
    return `Bearer ${Token.parse(answer.body).access_token}`;
  }

  async admin(): Promise<Caller> {
    return { id: '', name: 'admin', authorization: await this.signIn('admin', this.adminPassword) };
  }

  /** Creates a person in a new group that has these grants. */
  async person(...grants: readonly GrantWish[]): Promise<Person> {
    const name = `person-${(this.count += 1)}`;
    const password = randomBytes(16).toString('hex');
    const { id } = Id.parse(await this.create('/api/users', { username: name, display_name: name }));
    await this.sql`update accounts set password_hash = ${await cheapHash(password)} where id = ${id}`;
    const groupId = await this.groupOf(name, { user_id: id }, grants);
    return { id, name, password, groupId, authorization: await this.signIn(name, password) };
  }

  /** Creates a person who may read these studies and no others. */
  radiologist(...studies: readonly string[]): Promise<Person> {
    return this.person(
      ...studies.map((study) => ({ rights: ['studies:read'], scope: { kind: 'study', study_uid: study } })),
    );
  }

  /** Creates a machine account with a key. By default, the account may store everything and read nothing. */
  async machine(
    grants: readonly GrantWish[] = [{ rights: ['studies:store'], scope: { kind: 'all' } }],
    facts: { institution?: string; issuer?: string } = {},
  ): Promise<Caller & { groupId: string; key: string }> {
    const name = `machine-${(this.count += 1)}`;
    const { id } = Id.parse(await this.create('/api/accounts', { name, ...facts }));
    const groupId = await this.groupOf(name, { account_id: id }, grants);
    const { key } = Key.parse(await this.create(`/api/accounts/${id}/keys`, { name: 'test' }));
    return { id, name, groupId, key, authorization: `Bearer ${key}` };
  }

  /** Stores files by STOW-RS in one request. */
  store(caller: Caller, files: readonly Buffer[], study?: string) {
    const { type, body } = multipartOf(files);
    return this.http
      .post(study === undefined ? '/dicom-web/studies' : `/dicom-web/studies/${study}`)
      .set('authorization', caller.authorization)
      .set('content-type', type)
      .send(body);
  }

  /** Sends a GET under /dicom-web. */
  get(caller: Caller, path: string) {
    return this.http.get(`/dicom-web${path}`).set('authorization', caller.authorization);
  }

  /** Sends a request directly to Orthanc, not through the gateway. */
  async archive(path: string, init: RequestInit = {}): Promise<Response> {
    const { username, password, url } = this.orthanc;
    const basic = Buffer.from(`${username}:${password}`).toString('base64');
    // Orthanc closes an idle connection after one second. A kept connection could be closed while the next request is sent.
    const headers = { authorization: `Basic ${basic}`, connection: 'close' };
    return fetch(`${url}${path}`, { ...init, headers });
  }

  /** Starts another gateway on the same database and archive. `under` is a command that runs the gateway. */
  secondGateway(under: readonly string[] = []): Promise<TestGateway> {
    const { PORT: _, DATA_DIR: __, ...env } = this.gateway.env;
    return startTestGateway(env, under);
  }

  async stop(): Promise<void> {
    await this.gateway.leave();
    await this.sql.end();
    await this.orthanc.stop();
    await this.database.drop();
  }

  private async groupOf(name: string, member: object, grants: readonly GrantWish[]): Promise<string> {
    const { id } = Id.parse(await this.create('/api/groups', { name: `group of ${name}` }));
    await this.create(`/api/groups/${id}/members`, member);
    for (const grant of grants) await this.create(`/api/groups/${id}/grants`, grant);
    return id;
  }

  /** Sends a POST as the administrator and returns the body of the answer. */
  private async create(path: string, body: object): Promise<unknown> {
    let answer = await this.createdBy(path, body);
    // The test may have ended the session of the administrator, or may have replaced the signing keys.
    if (answer.status === 401 || answer.status === 503) {
      this.creator = undefined;
      answer = await this.createdBy(path, body);
    }
    if (answer.status >= 300) throw new Error(`${path} answered ${answer.status}: ${answer.text}`);
    return answer.body;
  }

  private async createdBy(path: string, body: object) {
    this.creator ??= this.signIn('admin', this.adminPassword);
    const authorization = await this.creator.catch((error: unknown) => {
      this.creator = undefined;
      throw error;
    });
    return this.http.post(path).set('authorization', authorization).send(body);
  }
}

/** A world whose archive a test may kill and restart. */
export type OwnWorld = World<OwnOrthanc>;

type Settings = Readonly<Record<string, string>>;
/** The database and the archive of a world, before its gateway starts. */
type Neighbours = { database: TestDatabase; orthanc: TestOrthanc };
/** Settings that depend on the neighbours, for example the URL of a proxy in front of the database. */
type Settling = (neighbours: Neighbours) => Promise<Settings>;

/**
 * Starts the services of a test file: a gateway with its own database, and an empty archive of the pool. `settings` are added to the
 * gateway's environment.
 */
export async function startWorld(settings: Settings | Settling = {}): Promise<World> {
  return worldOn(lendOrthanc(), settings);
}

/**
 * Like {@link startWorld}, but with a new archive for this test file only. The start takes a second longer. For tests that kill, restart or
 * measure the archive.
 */
export async function startOwnWorld(settings: Settings | Settling = {}): Promise<OwnWorld> {
  return worldOn(startTestOrthanc(), settings);
}

/** Like {@link startWorld}, with an archive that the caller starts. */
export async function worldOn<Archive extends TestOrthanc>(
  archive: Promise<Archive>,
  settings: Settings | Settling = {},
): Promise<World<Archive>> {
  const [database, orthanc] = await Promise.all([createStartedDatabase(), archive]);
  const { masterKey, adminPassword } = inject('postgres').templates;
  const added = typeof settings === 'function' ? await settings({ database, orthanc }) : settings;
  const gateway = await startTestGateway({
    DATABASE_URL: database.appUrl,
    ORTHANC_URL: orthanc.url,
    ORTHANC_USERNAME: orthanc.username,
    ORTHANC_PASSWORD: orthanc.password,
    DEFAULT_ISSUER: 'TEST',
    MASTER_KEY: masterKey,
    ADMIN_PASSWORD: adminPassword,
    ...added,
  });
  return new World(database, orthanc, gateway, adminPassword, postgres(database.ownerUrl, { max: 2 }));
}
