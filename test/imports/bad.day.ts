import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { startFaultyProxy, testHapi, type Fate, type FaultyProxy, type TestHapi } from '../support/hapi.ts';
import { startWorld, type World } from '../support/world.ts';
import { ageHeartbeats, Clerk, countedRows, releaseJobs } from './import.world.ts';
import { list, row } from './lists.ts';

/**
 * The size of the test: the number of rows in the list, the shares of the rows after which the gateway is killed, the time for which HAPI
 * answers 503, and the time limit.
 */
type BadDay = { rows: number; kills: readonly number[]; awayMs: number; limitMs: number };

/** If `bad`, HAPI carries out all requests, but one response in twenty is lost. Until `awayUntil`, all responses are 503. */
class Weather {
  bad = false;
  awayUntil = 0;

  fate(count: number): Fate {
    if (Date.now() < this.awayUntil) return 'busy';
    return this.bad && count % 20 === 0 ? 'lost' : 'pass';
  }
}

const Page = z.object({
  entry: z.array(z.object({ resource: z.looseObject({}) })).default([]),
  link: z.array(z.object({ relation: z.string(), url: z.string() })).default([]),
});
const Numbered = z.object({ id: z.string(), identifier: z.array(z.object({ value: z.string() })) });
const Coded = z.object({ subject: z.object({ reference: z.string() }), code: z.unknown() });

/**
 * Defines a test with two imports of the same list, for different patients. No fault occurs during the first import. During the second
 * import, the gateway is killed, and HAPI is unavailable for a while and loses responses. Both imports must create the same
 * resources. Returns the world.
 */
export function badDay(what: string, { rows, kills, awayMs, limitMs }: BadDay): () => World {
  const weather = new Weather();
  let hapi: TestHapi;
  let way: FaultyProxy;
  let world: World;
  beforeAll(async () => {
    hapi = await testHapi();
    way = await startFaultyProxy(hapi.url, (_method, _path, count) => weather.fate(count));
    world = await startWorld({ FHIR_BASE_URL: way.url });
  }, 300_000);
  afterAll(async () => {
    await world?.stop();
    await way?.close();
  });

  it(
    what,
    async () => {
      const file = list(...Array.from({ length: rows }, (_, at) => person(at)));
      const clean = await Clerk.start(world);
      const good = await clean.ended(await sent(clean, file));
      const clerk = await Clerk.start(world);
      weather.bad = true;
      const id = await sent(clerk, file);
      for (const [at, part] of kills.entries()) {
        await expect
          .poll(async () => (await clerk.report(id)).rows_done, { timeout: limitMs, interval: 50 })
          .toBeGreaterThanOrEqual(rows * part);
        world.gateway.kill();
        await world.gateway.exited;
        await (at === 0 ? ageHeartbeats(world) : releaseJobs(world));
        if (at === 1) weather.awayUntil = Date.now() + awayMs;
        world.gateway = await world.secondGateway();
      }
      const end = await clerk.ended(id);
      weather.bad = false;
      expect(end).toMatchObject({ status: 'completed', rows_total: rows, created: rows, rejected: 0 });
      expect(countedRows(end)).toBe(rows);
      expect(end.reasons).toEqual(good.reasons);
      expect(await held(hapi, clerk)).toEqual(await held(hapi, clean));
    },
    limitMs,
  );
  return () => world;
}

async function sent(clerk: Clerk, file: Buffer): Promise<string> {
  const upload = await clerk.upload(file).expect(202);
  return String((upload.headers['location'] ?? '').split('/').at(-1));
}

function person(at: number): string[] {
  const digits = String(at).padStart(6, '0');
  return row(`333.${digits.slice(0, 3)}.${digits.slice(3)}-10`, {
    name: `Pessoa ${'ABCDEFGHIJ'.charAt(at % 10)} Silva`,
    note: at % 10 === 0 ? 'Diabético' : at % 25 === 1 ? 'Gestante' : '',
  });
}

/** The resources of a clerk's patients on the server, by patient number. Values that differ between two clerks are removed. */
async function held(hapi: TestHapi, { system }: Clerk): Promise<string[]> {
  const patients = await all(hapi, `Patient?identifier=${system}|`);
  const numbers = new Map<string, string>();
  const lines = patients.map((patient) => {
    const { id, identifier } = Numbered.parse(patient);
    numbers.set(`Patient/${id}`, identifier[0]?.value ?? '');
    const { id: _, meta, identifier: __, ...rest } = patient;
    return `${identifier[0]?.value} version ${z.object({ versionId: z.string() }).parse(meta).versionId} ${JSON.stringify(rest)}`;
  });
  for (const kind of ['Condition', 'Observation'])
    for (const record of await all(hapi, `${kind}?subject:Patient.identifier=${system}|`)) {
      const { subject, code } = Coded.parse(record);
      lines.push(`${numbers.get(subject.reference)} ${kind} ${JSON.stringify(code)}`);
    }
  return lines.sort();
}

async function all(hapi: TestHapi, query: string): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  for (let next: string | undefined = `/${query}&_count=500`; next !== undefined;) {
    const page = Page.parse(await hapi.json(next));
    found.push(...page.entry.map(({ resource }) => resource));
    const url = page.link.find(({ relation }) => relation === 'next')?.url;
    next =
      url === undefined
        ? undefined
        : `${new URL(url).pathname.replace(new URL(hapi.url).pathname, '')}${new URL(url).search}`;
  }
  return found;
}
