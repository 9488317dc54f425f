import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { ImportState } from '../../infra/demo/records.client.ts';
import { SHIPPED_MAPPINGS } from '../../src/mapping/defaults.js';
import { isLong } from '../support/long.form.ts';
import type { Caller, Person, World } from '../support/world.ts';

export const Accepted = z.object({ file_id: z.uuid(), status: z.string() });
/** The state of an import in the API. */
export const Report = ImportState.extend({ source: z.looseObject({}).nullable() });
export type Report = z.infer<typeof Report>;

const MOVING = new Set(['inspecting', 'queued', 'running']);

/** The time for which clerks share an access token. It is shorter than the lifetime of an access token. */
const SHARED_MS = 300_000;
type SignedIn = { person: Person; at: number };
/** One person of each world. All clerks of the world are this person, because creating a person and signing in are slow. */
const persons = new WeakMap<World, Promise<SignedIn>>();

/** The person of a world with a new access token, or with the token of an earlier clerk. */
async function personOf(world: World): Promise<Person> {
  const known = await persons.get(world);
  if (known !== undefined && performance.now() - known.at < SHARED_MS) return known.person;
  const rights = ['records:import', 'records:read', 'terms:decide'];
  const signIn = async (): Promise<SignedIn> => {
    const person = known?.person ?? (await world.person({ rights, scope: { kind: 'all' } }));
    const authorization = known && (await world.signIn(person.name, person.password));
    return { person: { ...person, ...(authorization && { authorization }) }, at: performance.now() };
  };
  const signed = signIn();
  persons.set(world, signed);
  return (await signed).person;
}

/** A clerk who imports lists. The clerk's mapping has an identifier system that no other test uses in the shared HAPI. */
export class Clerk {
  private constructor(
    readonly world: World,
    readonly caller: Caller,
    readonly mapping: string,
    /** The identifier system of this clerk's patients. */
    readonly system: string,
  ) {}

  /** `changes` are members of the mapping document to replace. */
  static async start(world: World, changes: object = {}): Promise<Clerk> {
    const { id, name: username, authorization } = await personOf(world);
    const caller = { id, name: username, authorization };
    const [brazil] = SHIPPED_MAPPINGS;
    if (brazil === undefined) throw new Error('no mapping is shipped');
    const name = `test-${randomBytes(4).toString('hex')}`;
    const system = `urn:test:${name}`;
    const identifiers = brazil.identifiers.map((rule) => ({ ...rule, system, aliases: [] }));
    await world.http
      .post('/api/mappings')
      .set('authorization', caller.authorization)
      .send({ ...brazil, name, version: 1, identifiers, ...changes })
      .expect(201);
    return new Clerk(world, caller, name, system);
  }

  /** Uploads a file. `query` has parameters in addition to `mapping`. */
  upload(file: Buffer, query: Readonly<Record<string, string>> = {}, name = 'list.csv') {
    return this.world.http
      .post('/api/imports')
      .set('authorization', this.caller.authorization)
      .query({ mapping: this.mapping, ...query })
      .attach('file', file, name);
  }

  /** Uploads a file and waits until its import has ended. */
  async import(file: Buffer, query: Readonly<Record<string, string>> = {}): Promise<Report> {
    const answer = await this.upload(file, query);
    if (answer.status !== 202) throw new Error(`the upload answered ${answer.status}: ${answer.text}`);
    return this.ended(Accepted.parse(answer.body).file_id);
  }

  get(path: string) {
    return this.world.http.get(path).set('authorization', this.caller.authorization);
  }

  post(path: string, body: object = {}) {
    return this.world.http.post(path).set('authorization', this.caller.authorization).send(body);
  }

  delete(path: string) {
    return this.world.http.delete(path).set('authorization', this.caller.authorization);
  }

  async report(id: string): Promise<Report> {
    return Report.parse((await this.get(`/api/imports/${id}`).expect(200)).body);
  }

  /** Waits until the import no longer changes, or until the test times out. */
  async ended(id: string): Promise<Report> {
    for (;;) {
      const report = await this.report(id);
      if (!MOVING.has(report.status)) return report;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** Checks that the counts of an import count each row exactly once. */
export function countedRows(report: Report): number {
  const { created, updated, unchanged, rejected, waiting, duplicate } = report;
  return created + updated + unchanged + rejected + waiting + duplicate;
}

/**
 * Holds an advisory lock of imports (`import <id>` or `patient <key>`) while `work` runs. `work` gets a function that returns whether
 * another session waits for the lock.
 */
export async function holdingLock(
  world: World,
  name: string,
  work: (isWaited: () => Promise<boolean>) => Promise<void>,
  shared = false,
): Promise<void> {
  const number = createHash('sha256').update(name).digest().readBigInt64BE().toString();
  const connection = await world.sql.reserve();
  try {
    if (shared) await connection`select pg_advisory_lock_shared(${number}::bigint)`;
    else await connection`select pg_advisory_lock(${number}::bigint)`;
    await work(async () => {
      const waiting = await world.sql`
        select pid from pg_locks where locktype = 'advisory' and not granted
          and ((classid::bigint << 32) | objid::bigint) = ${number}::bigint`;
      return waiting.length > 0;
    });
  } finally {
    await connection`select pg_advisory_unlock_all()`;
    connection.release();
  }
}

/** The number of sessions that wait for an advisory lock. */
export const advisoryWaits = async ({ sql }: World): Promise<number> =>
  (
    await sql`select pid from pg_locks where locktype = 'advisory' and not granted
    and database = (select oid from pg_database where datname = current_database())`
  ).length;

/**
 * Releases the jobs of a gateway that was killed, so that another gateway takes them at once. In the long form, pg-boss releases them when
 * their last heartbeat is ten seconds old.
 */
export async function releaseJobs({ sql }: World): Promise<void> {
  if (isLong) return;
  await sql`update queue.job set state = 'retry', start_after = now() where state = 'active'`;
}

/** Makes the last heartbeat of the jobs of a killed gateway old, so that another gateway releases them within five seconds. */
export async function ageHeartbeats({ sql }: World): Promise<void> {
  if (isLong) return;
  await sql`update queue.job set heartbeat_on = now() - interval '1 minute' where state = 'active'`;
}
