import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startTestGateway } from '../support/gateway.ts';
import { startFaultyProxy, testHapi, type Fate, type FaultyProxy, type TestHapi } from '../support/hapi.ts';
import { longForm } from '../support/long.form.ts';
import { startWorld, type World } from '../support/world.ts';
import { Clerk, releaseJobs } from '../imports/import.world.ts';
import { GASTRITIS, inboxOf, listOfWords, SNOMED, termOf } from './inbox.world.ts';

const CROHN = { kind: 'condition', coding: { system: SNOMED, code: '34000006' } };
const LOINC = 'http://loinc.org';
const status = (code: string) => ({
  kind: 'observation',
  code: { system: LOINC, code: '82810-3' },
  value: [{ system: SNOMED, code }],
});
const PREGNANT = status('77386006');
const NOT_PREGNANT = status('60001007');

let hapi: TestHapi;
let fate: (method: string, path: string) => Fate = () => 'pass';
let way: FaultyProxy;
let world: World;
let clerk: Clerk;
beforeAll(async () => {
  hapi = await testHapi();
  way = await startFaultyProxy(hapi.url, (method, path) => fate(method, path));
  world = await startWorld({ FHIR_BASE_URL: way.url });
  clerk = await Clerk.start(world);
}, 200_000);
afterAll(async () => {
  await world?.stop();
  await way?.close();
});

const Record = z.object({
  resourceType: z.string(),
  id: z.string(),
  status: z.string().optional(),
  verificationStatus: z.object({ coding: z.array(z.object({ code: z.string() })) }).optional(),
  code: z.object({ coding: z.array(z.object({ code: z.string() })), text: z.string().optional() }),
  valueCodeableConcept: z.object({ coding: z.array(z.object({ code: z.string() })) }).optional(),
});
const isError = ({ status: of, verificationStatus: how }: z.infer<typeof Record>) =>
  (of ?? how?.coding[0]?.code) === 'entered-in-error';

const cpfOf = (number: number) => `2223${String(number).padStart(5, '0')}10`;

/** The records of the patients with these numbers, as `code value`, with `!` for `entered-in-error`, sorted. */
async function recordsOf(...numbers: readonly number[]): Promise<string[]> {
  const who = numbers.map((number) => `${clerk.system}|${cpfOf(number)}`).join(',');
  const found = await Promise.all(
    ['Condition', 'Observation'].map((kind) =>
      hapi.search(`${kind}?subject:Patient.identifier=${encodeURIComponent(who)}`),
    ),
  );
  return found
    .flat()
    .map((resource) => {
      const record = Record.parse(resource);
      const value = record.valueCodeableConcept?.coding[0]?.code;
      const code = [record.code.coding[0]?.code, ...(value === undefined ? [] : [value])].join(' ');
      return `${isError(record) ? '!' : ''}${code}`;
    })
    .toSorted();
}

const decide = (id: string, target: object, how: object = {}) =>
  clerk.post(`/api/terms/${id}/decide`, { ...target, ...how });
const confirmed = { confirm: true };
/** Waits until no record of the word has an old decision. */
async function corrected(word: string): Promise<void> {
  await expect
    .poll(async () => (await inboxOf(clerk, `q=${word}`)).items[0]?.['records_to_correct'], {
      timeout: 40_000,
    })
    .toBe(0);
}

describe('a decision about a word that has given records', () => {
  it('shows what it would change; confirmed, it moves the records and says who and why', async () => {
    const list = listOfWords(200, 'Astrolite', 'astrolite|Hipertenso', '');
    const first = await clerk.import(list);
    const id = await termOf(clerk, 'astrolite');
    await decide(id, { ...GASTRITIS, coding: { ...GASTRITIS.coding, display: 'Gastritis' } }).expect(200);
    await expect.poll(async () => (await clerk.report(first.file_id)).waiting, { timeout: 20_000 }).toBe(0);
    expect(await clerk.ended(first.file_id)).toMatchObject({ created: 3, updated: 0, status: 'completed' });
    expect(await recordsOf(200, 201)).toEqual(['38341003', '4556007', '4556007']);

    const refused = await decide(id, CROHN).expect(409);
    expect(refused.body).toMatchObject({
      code: 'confirmation-needed',
      affected: { conditions: 2, observations: 0, patients: 2 },
    });
    expect(await inboxOf(clerk, 'q=astrolite')).toMatchObject({
      items: [{ target: GASTRITIS, records_to_correct: 0 }],
    });
    await decide(id, GASTRITIS).expect(200);

    const reason = 'The clinic uses this word for Crohn disease';
    await decide(id, CROHN, { confirm: true, reason }).expect(200);
    await corrected('astrolite');
    expect(await recordsOf(200, 201)).toEqual(['!4556007', '!4556007', '34000006', '34000006', '38341003']);
    const old = (await hapi.search(`Condition?code=4556007&subject:Patient.identifier=${clerk.system}|`))[0];
    expect(old).not.toHaveProperty('clinicalStatus');
    const why = await hapi.search(`Provenance?target=Condition/${String(old?.['id'])}&_sort=-_lastUpdated`);
    const text = JSON.stringify(why);
    expect(text).toContain(reason);
    expect(text).toContain(clerk.caller.name ?? '');
    expect(text).not.toContain('astrolite');
    // The corrected records stay those of the import: a later copy of the list finds them, and the undo removes all of them.
    expect(await clerk.report(first.file_id)).toMatchObject({ created: 3, updated: 0 });
    expect(await clerk.import(list, { force: 'true' })).toMatchObject({ unchanged: 3 });
    expect(await recordsOf(200, 201)).toHaveLength(5);
  }, 120_000);

  it('an undo of the import removes the old and the new records', async () => {
    const first = await clerk.import(listOfWords(210, 'Bistrolite'));
    const id = await termOf(clerk, 'bistrolite');
    await decide(id, GASTRITIS).expect(200);
    await expect.poll(async () => (await clerk.report(first.file_id)).waiting, { timeout: 20_000 }).toBe(0);
    await clerk.ended(first.file_id);
    await decide(id, CROHN, confirmed).expect(200);
    await corrected('bistrolite');
    expect(await recordsOf(210)).toEqual(['!4556007', '34000006']);
    // While the response to a correction is lost, an undo would miss the records of the correction.
    const sent = { creates: true, provenance: 'lost' };
    await world.sql`update word_uses set revision = revision - 1, sent = ${world.sql.json(sent)}
      where import_id = ${first.file_id}`;
    const early = await clerk.post(`/api/imports/${first.file_id}/undo`).expect(409);
    expect(early.body).toMatchObject({ detail: expect.stringContaining('corrected decision') });
    await world.sql`update word_uses set revision = revision + 1, sent = null where import_id = ${first.file_id}`;
    await clerk.post(`/api/imports/${first.file_id}/undo`).expect(202);
    await expect
      .poll(async () => (await clerk.report(first.file_id)).status, { timeout: 20_000 })
      .toBe('undone');
    expect((await clerk.report(first.file_id))['undo_conflicts']).toEqual([]);
    expect(await recordsOf(210)).toEqual([]);
    await decide(id, GASTRITIS).expect(200);
  }, 120_000);

  it('moves the records of an earlier version, which recorded no words, once the list was sent again', async () => {
    const list = listOfWords(215, 'Cistrolite', 'cistrolite');
    const first = await clerk.import(list);
    const id = await termOf(clerk, 'cistrolite');
    await decide(id, GASTRITIS).expect(200);
    await expect.poll(async () => (await clerk.report(first.file_id)).waiting, { timeout: 20_000 }).toBe(0);
    await clerk.ended(first.file_id);
    await world.sql`delete from word_uses where import_id = ${first.file_id}`;
    const copies = await Promise.all([1, 2].map(() => clerk.import(list, { force: 'true' })));
    for (const copy of copies) expect(copy).toMatchObject({ created: 0, updated: 0, unchanged: 2 });
    await decide(id, CROHN, confirmed).expect(200);
    await corrected('cistrolite');
    expect(await recordsOf(215, 216)).toEqual(['!4556007', '!4556007', '34000006', '34000006']);
  }, 60_000);

  it('keeps a record that another word has given too, and writes ignored, revived and changed kinds', async () => {
    const steps: readonly (readonly [target: object | undefined, records: readonly string[]])[] = [
      [GASTRITIS, ['4556007', '4556007']],
      [CROHN, ['!4556007', '34000006', '34000006', '4556007']],
      [undefined, ['!34000006', '!34000006', '!4556007', '4556007']],
      [GASTRITIS, ['!34000006', '!34000006', '!4556007', '4556007', '4556007']],
      [
        PREGNANT,
        ['!34000006', '!34000006', '!4556007', '!4556007', '4556007', '82810-3 77386006', '82810-3 77386006'],
      ],
      [
        NOT_PREGNANT,
        [
          '!34000006',
          '!34000006',
          '!4556007',
          '!4556007',
          '!82810-3 77386006',
          '!82810-3 77386006',
          '4556007',
          '82810-3 60001007',
          '82810-3 60001007',
        ],
      ],
    ];
    const done = await clerk.import(listOfWords(220, 'Costrolite', 'costrolite|Dostrolite'));
    await decide(await termOf(clerk, 'dostrolite'), GASTRITIS).expect(200);
    const id = await termOf(clerk, 'costrolite');
    for (const [target, records] of steps) {
      if (target === undefined) await clerk.post(`/api/terms/${id}/ignore`, confirmed).expect(200);
      else await decide(id, target, confirmed).expect(200);
      await expect.poll(async () => (await clerk.report(done.file_id)).waiting, { timeout: 20_000 }).toBe(0);
      await clerk.ended(done.file_id);
      await corrected('costrolite');
      expect(await recordsOf(220, 221)).toEqual(records);
    }
    expect(await clerk.report(done.file_id)).toMatchObject({ created: 2 });
  }, 120_000);

  it('reaches the records of an import that still runs, and asks before a ConceptMap changes it', async () => {
    const first = await clerk.import(listOfWords(230, 'Estrolite'));
    const id = await termOf(clerk, 'estrolite');
    await decide(id, GASTRITIS).expect(200);
    await expect.poll(async () => (await clerk.report(first.file_id)).waiting, { timeout: 20_000 }).toBe(0);
    await clerk.ended(first.file_id);
    const map = {
      resourceType: 'ConceptMap',
      url: 'urn:test:map',
      version: '1',
      status: 'draft',
      group: [
        {
          source: 'urn:radgate:words:pt',
          target: SNOMED,
          element: [{ code: 'Estrolite', target: [{ code: '34000006', equivalence: 'equivalent' }] }],
        },
      ],
    };
    await clerk.post('/api/terms/concept-map', map).expect(409);
    fate = (_, path) => (path.endsWith('/Patient/_search') ? 'busy' : 'pass');
    const seen = way.seen.length;
    const { body } = await clerk.upload(listOfWords(231, 'Estrolite')).expect(202);
    const second = z.object({ file_id: z.string() }).parse(body).file_id;
    await expect.poll(() => way.seen.length, { timeout: 20_000 }).toBeGreaterThan(seen);
    await clerk.post('/api/terms/concept-map?confirm=true', map).expect(200, { taken: 1, left_out: 0 });
    fate = () => 'pass';
    await clerk.ended(second);
    await corrected('estrolite');
    await expect
      .poll(() => recordsOf(230, 231), { timeout: 20_000 })
      .toEqual(['!4556007', '!4556007', '34000006', '34000006']);
  }, 120_000);

  it('killed in the middle, over many patients, ends right', async () => {
    const many = longForm(1000, 40);
    const done = await clerk.import(listOfWords(10_000, ...Array.from({ length: many }, () => 'Fostrolite')));
    const id = await termOf(clerk, 'fostrolite');
    await decide(id, GASTRITIS).expect(200);
    await expect.poll(async () => (await clerk.report(done.file_id)).waiting, { timeout: 100_000 }).toBe(0);
    await clerk.ended(done.file_id);
    // The gateway dies after it has sent a transaction whose response is lost.
    const transactions = longForm(7, 1);
    let sent = 0;
    let killed: Promise<unknown> | undefined;
    fate = (method, path) => {
      if (killed !== undefined) return 'reset';
      // The path of a transaction names no resource type.
      if (method !== 'POST' || /[A-Z]/.test(path)) return 'pass';
      sent += 1;
      if (sent < transactions) return 'pass';
      killed = new Promise((resolve) => setTimeout(resolve, 1500)).then(() => {
        world.gateway.kill();
        return world.gateway.exited;
      });
      return 'lost';
    };
    await decide(id, CROHN, confirmed).expect(200);
    await expect.poll(() => killed, { timeout: 40_000 }).toBeDefined();
    await killed;
    fate = () => 'pass';
    await releaseJobs(world);
    world.gateway = await startTestGateway(world.gateway.env);
    await expect
      .poll(
        () => world.sql`select from word_uses where term = ${id} and revision < 2`.then((of) => of.length),
        {
          timeout: 100_000,
        },
      )
      .toBe(0);
    const who = `subject:Patient.identifier=${clerk.system}|&code:text=Fostrolite`;
    const count = (rest: string) => hapi.count(`Condition?${who}&${rest}`);
    expect(await count('code=4556007&verification-status=entered-in-error')).toBe(many);
    expect(await count('code=4556007')).toBe(many);
    expect(await count('code=34000006&clinical-status=active')).toBe(many);
    const [writes] = await world.sql`
      select count(*) filter (where kind = 'Condition' and version_before is null)::int as created,
        count(*) filter (where kind = 'Condition' and version_before is not null)::int as withdrawn
      from import_writes where import_id = ${done.file_id}`;
    expect(writes).toEqual({ created: 2 * many, withdrawn: many });
  }, 300_000);
});
