import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Fate, type FaultyProxy, startFaultyProxy, testHapi, type TestHapi } from '../support/hapi.ts';
import { isLong, longForm } from '../support/long.form.ts';
import { startWorld, type World } from '../support/world.ts';
import { startTestGateway } from '../support/gateway.ts';
import { shipped } from '../csv/csv.reading.ts';
import { GASTRITIS, inboxOf, SNOMED, termOf } from '../terms/inbox.world.ts';
import { advisoryWaits, Clerk, countedRows, holdingLock, releaseJobs } from './import.world.ts';

let hapi: TestHapi;
let way: FaultyProxy;
let fate: Fate = 'pass';
let world: World;
beforeAll(async () => {
  hapi = await testHapi();
  way = await startFaultyProxy(hapi.url, () => fate);
  world = await startWorld({ FHIR_BASE_URL: way.url });
  await world.sql`
    create function refuse() returns trigger language plpgsql as $$
    begin raise exception 'refused' using errcode = '53100'; end $$`;
}, 200_000);
afterAll(async () => {
  await world?.stop();
  await way?.close();
});

interface Fault {
  readonly what: string;
  readonly begin: () => Promise<unknown>;
  readonly end: () => Promise<unknown>;
  /** The number of times that the gateway has told an operator about the fault. */
  readonly told: () => Promise<number>;
  /** Runs only in the long form. */
  readonly isRare?: true;
}
const setFate = async (next: Fate) => {
  fate = next;
};
const hapiFailures = async () =>
  Number(
    /radgate_upstream_errors_total\{neighbour="hapi"\} (\d+)/.exec(await world.gateway.metrics())?.[1] ?? 0,
  );
const FAULTS: readonly Fault[] = [
  {
    what: 'the FHIR server answers 503',
    isRare: true,
    begin: () => setFate('busy'),
    end: () => setFate('pass'),
    told: hapiFailures,
  },
  {
    what: 'the FHIR server resets each connection',
    isRare: true,
    begin: () => setFate('reset'),
    end: () => setFate('pass'),
    told: hapiFailures,
  },
  {
    what: 'the disk of PostgreSQL is full',
    begin: () =>
      world.sql.unsafe(`
        create trigger refuse before insert on import_changes for each row execute function refuse();
        create trigger refuse before update on import_writes for each row execute function refuse()`),
    end: () =>
      world.sql.unsafe('drop trigger refuse on import_changes; drop trigger refuse on import_writes'),
    told: async () => (await world.gateway.logged()).split('is retried: PostgresError 53100').length,
  },
];

const Reviews = z.object({
  total: z.number(),
  items: z.array(
    z.looseObject({
      id: z.string(),
      state: z.string(),
      decision: z.string().nullable(),
      differences: z.array(z.string()),
      rows_waiting: z.number(),
      rows: z.array(z.object({ import_id: z.string(), row: z.number() })),
      sides: z.object({
        row: z.looseObject({ row: z.number().optional(), names: z.array(z.string()) }),
        other: z.looseObject({ row: z.number().optional(), names: z.array(z.string()) }),
        candidates: z.array(z.looseObject({ reference: z.string(), names: z.array(z.string()) })).optional(),
      }),
    }),
  ),
});
const Rows = z.object({
  items: z.array(
    z.object({ row: z.number(), state: z.string(), issues: z.array(z.looseObject({ code: z.string() })) }),
  ),
});

const HEADER = 'mrn,family_name,given_name,birth_date,sex,conditions,weight_kg';
const JOHN = '1,Smith,John,1950-01-01,M,Diabetes,70';
const LUZ = '1,Garcia,Luz,1999-05-05,F,Hypertension,60';
const OTHER = '2,Brown,Ann,1960-02-02,F,,';
const listOf = (...rows: string[]) => Buffer.from([HEADER, ...rows, ''].join('\n'));

/** The shipped English mapping with another system of record numbers, and with changes to the identifiers. */
function englishMapping(mrn: string, rule: object = {}) {
  const { name: _, version: __, ...english } = shipped('english-plain');
  return {
    ...english,
    identifiers: english.identifiers.map((one) => Object.assign({}, one, { system: mrn }, rule)),
  };
}

/** A clerk whose lists are English and whose record numbers no other test uses. */
async function englishClerk(policies: object = {}, rule: object = {}): Promise<Clerk & { mrn: string }> {
  const mrn = `urn:test:${crypto.randomUUID()}`;
  const mapping = englishMapping(mrn, rule);
  const clerk = await Clerk.start(world, { ...mapping, policies: { ...mapping.policies, ...policies } });
  return Object.assign(clerk, { mrn });
}

const reviewsOf = async (clerk: Clerk, id: string) =>
  Reviews.parse((await clerk.get(`/api/imports/reviews?import=${id}`).expect(200)).body);
async function onlyReview(clerk: Clerk, id: string) {
  const { items } = await reviewsOf(clerk, id);
  const [review] = items;
  if (review === undefined || items.length > 1) throw new Error(`the import has ${items.length} reviews`);
  return review;
}
const statesOf = async (clerk: Clerk, id: string) =>
  Rows.parse((await clerk.get(`/api/imports/${id}/rows`).expect(200)).body).items.map(({ state, issues }) =>
    [state, ...issues.map(({ code }) => code).filter((code) => /^(identity|duplicate)/.test(code))].join(' '),
  );
const decide = (clerk: Clerk, id: string, decision: string, candidate?: string) =>
  clerk.post(`/api/imports/reviews/${id}/decide`, { decision, ...(candidate && { candidate }) });
/** Waits until the rows of an import have these states. */
const expectStates = (clerk: Clerk, id: string, states: string[]) =>
  expect
    .poll(async () => ((await clerk.ended(id)).finished_at === null ? [] : statesOf(clerk, id)), {
      timeout: 20_000,
    })
    .toEqual(states);
async function undo(clerk: Clerk, id: string, importId: string): Promise<void> {
  await clerk.post(`/api/imports/reviews/${id}/undo`).expect(202);
  await expect.poll(async () => (await onlyReview(clerk, importId)).state, { timeout: 20_000 }).toBe('open');
}

describe('a row whose identifier belongs to a patient with other facts', () => {
  it('waits with both sides, changes nothing, and waits once for each sending', async () => {
    const clerk = await englishClerk();
    expect(await clerk.import(listOf(JOHN, OTHER))).toMatchObject({ status: 'completed', created: 2 });
    const rehearsed = await clerk.import(listOf(LUZ), { mode: 'rehearse' });
    expect(rehearsed).toMatchObject({ status: 'rehearsed', waiting: 1, created: 0, updated: 0 });
    expect(await onlyReview(clerk, rehearsed.file_id)).toMatchObject({ rows_waiting: 0 });
    const done = await clerk.import(listOf(LUZ));
    expect(done).toMatchObject({ status: 'completed_with_errors', waiting: 1 });
    expect(countedRows(done)).toBe(1);
    const review = await onlyReview(clerk, done.file_id);
    expect(review).toMatchObject({
      state: 'open',
      rows_waiting: 1,
      differences: ['birth_date', 'gender', 'given_name'],
      sides: {
        row: { row: 2, names: ['Luz Garcia'], birth_date: '1999-05-05', gender: 'female' },
        other: { names: ['John Smith'], birth_date: '1950-01-01', gender: 'male' },
      },
    });
    const [john] = await hapi.search(`Patient?identifier=${clerk.mrn}|1`);
    expect(john).toMatchObject({ birthDate: '1950-01-01', meta: { versionId: '1' } });
    expect(await hapi.count(`Condition?subject:Patient.identifier=${clerk.mrn}|1`)).toBe(1);
    const again = await clerk.import(listOf(LUZ), { force: 'true' });
    expect(await onlyReview(clerk, again.file_id)).toMatchObject({ id: review.id, rows_waiting: 2 });
    await clerk.post(`/api/imports/reviews/${review.id}/decide`, { decision: 'guess' }).expect(422);
    await clerk.post(`/api/imports/reviews/${review.id}/undo`).expect(409);
  }, 60_000);

  it('new: is written without the identifier, is quiet when sent again, and can be undone', async () => {
    const clerk = await englishClerk();
    await clerk.import(listOf(JOHN));
    const done = await clerk.import(listOf(OTHER, LUZ));
    const review = await onlyReview(clerk, done.file_id);
    await decide(clerk, review.id, 'new').expect(200);
    await decide(clerk, review.id, 'new').expect(200);
    await decide(clerk, review.id, 'same').expect(409);
    await expectStates(clerk, done.file_id, ['created', 'created identity-separated']);
    const [luz] = await hapi.search(
      `Patient?family=Garcia&_has:Condition:subject:code=38341003&_sort=-_lastUpdated`,
    );
    expect(luz).toMatchObject({
      birthDate: '1999-05-05',
      identifier: [{ system: 'urn:radgate:person-key' }],
    });
    expect(await hapi.count(`Condition?subject=Patient/${String(luz?.['id'])}`)).toBe(1);
    expect(await hapi.count(`Condition?subject:Patient.identifier=${clerk.mrn}|1`)).toBe(1);
    expect(await clerk.import(listOf(OTHER, LUZ), { force: 'true' })).toMatchObject({
      unchanged: 2,
      created: 0,
    });
    expect(await clerk.import(listOf(JOHN), { force: 'true' })).toMatchObject({ unchanged: 1 });

    await undo(clerk, review.id, done.file_id);
    await expectStates(clerk, done.file_id, ['created', 'waiting identity-review']);
    expect(await hapi.count(`Patient?_id=${String(luz?.['id'])}`)).toBe(0);
    await decide(clerk, review.id, 'reject').expect(200);
    await expectStates(clerk, done.file_id, ['created', 'rejected identity-rejected']);
    expect(await clerk.import(listOf(LUZ), { force: 'true' })).toMatchObject({ rejected: 1, waiting: 0 });
  }, 90_000);

  it('same: updates the patient, is quiet when sent again, and can be undone', async () => {
    const clerk = await englishClerk();
    await clerk.import(listOf(JOHN));
    const done = await clerk.import(listOf(LUZ));
    const review = await onlyReview(clerk, done.file_id);
    await decide(clerk, review.id, 'same').expect(200);
    await expectStates(clerk, done.file_id, ['updated']);
    const john = async () => (await hapi.search(`Patient?identifier=${clerk.mrn}|1`))[0];
    expect(await john()).toMatchObject({ birthDate: '1999-05-05', gender: 'female' });
    expect(await clerk.import(listOf(LUZ), { force: 'true' })).toMatchObject({ unchanged: 1 });
    await undo(clerk, review.id, done.file_id);
    await expectStates(clerk, done.file_id, ['waiting identity-review']);
    expect(await john()).toMatchObject({ birthDate: '1950-01-01', gender: 'male' });
    expect(await hapi.count(`Condition?subject:Patient.identifier=${clerk.mrn}|1`)).toBe(1);
    const rows = await world.sql`
      select action, status, detail from audit where action like '%/api/imports/reviews%' and detail ->> 'id' = ${review.id}
      order by id`;
    expect(rows.map(({ action, status }) => [action, status])).toEqual([
      ['POST /api/imports/reviews/:id/decide', 200],
      ['POST /api/imports/reviews/:id/undo', 202],
    ]);
  }, 60_000);
});

describe('rows of one file with one identifier', () => {
  it.each(longForm(['error', 'first', 'last', 'merge'], ['error', 'merge']))(
    'wait if they contradict each other (%s)',
    async (policy) => {
      const clerk = await englishClerk({ duplicate_in_file: policy });
      const file = listOf(JOHN, LUZ, OTHER);
      const rehearsed = await clerk.import(file, { mode: 'rehearse' });
      const states = ['created', 'waiting identity-review', 'created'];
      expect(await statesOf(clerk, rehearsed.file_id)).toEqual(states);
      const review = await onlyReview(clerk, rehearsed.file_id);
      expect(review).toMatchObject({ sides: { row: { row: 3 }, other: { row: 2, names: ['John Smith'] } } });
      await clerk.post(`/api/imports/${rehearsed.file_id}/commit`).expect(202);
      await clerk.ended(rehearsed.file_id);
      expect(await statesOf(clerk, rehearsed.file_id)).toEqual(states);
      expect(await hapi.search(`Patient?identifier=${clerk.mrn}|1`)).toMatchObject([
        { birthDate: '1950-01-01' },
      ]);
      if (policy !== 'error' && policy !== 'merge') return;

      const decision = policy === 'error' ? 'same' : 'new';
      await decide(clerk, review.id, decision).expect(200);
      const second = decision === 'same' ? 'duplicate duplicate-merged' : 'created identity-separated';
      await expect
        .poll(async () => (await statesOf(clerk, rehearsed.file_id))[1], { timeout: 20_000 })
        .toBe(second);
      await clerk.ended(rehearsed.file_id);
      const birthDate = decision === 'same' ? '1999-05-05' : '1950-01-01';
      expect(await hapi.search(`Patient?identifier=${clerk.mrn}|1`)).toMatchObject([{ birthDate }]);
      expect(await clerk.import(file, { force: 'true' })).toMatchObject({
        created: 0,
        updated: 0,
        waiting: 0,
      });

      await undo(clerk, review.id, rehearsed.file_id);
      await expect
        .poll(async () => (await statesOf(clerk, rehearsed.file_id))[1], { timeout: 20_000 })
        .toBe('waiting identity-review');
      expect(await hapi.search(`Patient?identifier=${clerk.mrn}|1`)).toMatchObject([
        { birthDate: '1950-01-01' },
      ]);
    },
    90_000,
  );

  it('still wait when the rows that they contradict were rejected, also after a retry', async () => {
    const clerk = await englishClerk({ duplicate_in_file: 'error' });
    const { file_id: id } = await clerk.import(listOf(JOHN, LUZ, JOHN.replace('70', '71'), OTHER), {
      mode: 'rehearse',
    });
    const states = [
      'rejected duplicate-in-file',
      'waiting identity-review',
      'rejected duplicate-in-file',
      'created',
    ];
    expect(await statesOf(clerk, id)).toEqual(states);
    await clerk.post(`/api/imports/${id}/commit`).expect(202);
    await clerk.ended(id);
    expect(await statesOf(clerk, id)).toEqual(states);
    await clerk.post(`/api/imports/${id}/retry`).expect(202);
    await clerk.ended(id);
    expect(await statesOf(clerk, id)).toEqual(states);
    expect(await hapi.count(`Patient?identifier=${clerk.mrn}|1`)).toBe(0);
  }, 60_000);
});

/** Creates a Patient on the server with a record number of the clerk. Returns its reference. */
const addPatient = async (mrn: string, family: string, number = '1') => {
  const body = {
    resourceType: 'Patient',
    identifier: [{ system: mrn, value: number }],
    name: [{ family, given: ['John'] }],
  };
  const { id } = z
    .looseObject({ id: z.string() })
    .parse(await hapi.json('/Patient', { method: 'POST', body }));
  return `Patient/${id}`;
};
const patientAt = async (reference: string) =>
  (await hapi.search(`Patient?_id=${reference.slice('Patient/'.length)}`))[0];
const conditionsOf = (reference: string) => hapi.count(`Condition?subject=${reference}`);

describe('a row whose identifiers belong to several patients', () => {
  const WAITS = ['waiting identity-review'];
  it('waits with all candidates, and each decision about it holds, is quiet when sent again, and can be undone', async () => {
    const clerk = await englishClerk();
    const [first, second] = [await addPatient(clerk.mrn, 'One'), await addPatient(clerk.mrn, 'Two')];
    const rehearsed = await clerk.import(listOf(JOHN, OTHER), { mode: 'rehearse' });
    const waits = ['waiting identity-review', 'created'];
    expect(await statesOf(clerk, rehearsed.file_id)).toEqual(waits);
    expect(rehearsed).toMatchObject({ waiting: 1, rejected: 0, reasons: { 'patient-several': 1 } });
    await clerk.post(`/api/imports/${rehearsed.file_id}/commit`).expect(202);
    const done = await clerk.ended(rehearsed.file_id);
    expect(await statesOf(clerk, done.file_id)).toEqual(waits);
    const review = await onlyReview(clerk, done.file_id);
    expect(review).toMatchObject({ differences: [], rows_waiting: 1, chosen: null });
    expect(review.sides.candidates?.map(({ reference }) => reference).sort()).toEqual([first, second].sort());

    await decide(clerk, review.id, 'same').expect(422);
    await decide(clerk, review.id, 'same', 'Patient/none').expect(422);
    await decide(clerk, review.id, 'new', second).expect(422);
    const decided = await decide(clerk, review.id, 'same', second).expect(200);
    expect(decided.body).toMatchObject({ state: 'decided', chosen: second });
    await decide(clerk, review.id, 'same', second).expect(200);
    await decide(clerk, review.id, 'same', first).expect(409);
    await expectStates(clerk, done.file_id, ['updated', 'created']);
    expect(await patientAt(second)).toMatchObject({ birthDate: '1950-01-01' });
    expect(await conditionsOf(second)).toBe(1);
    const again = await clerk.import(listOf(JOHN, OTHER), { force: 'true' });
    expect(again).toMatchObject({ unchanged: 2 });
    await undo(clerk, review.id, done.file_id);
    await expectStates(clerk, done.file_id, waits);
    await expectStates(clerk, again.file_id, ['waiting identity-review', 'unchanged']);
    expect(await patientAt(second)).not.toHaveProperty('birthDate');
    expect(await conditionsOf(second)).toBe(0);

    await clerk.post(`/api/imports/${again.file_id}/undo`).expect(202);
    await expect.poll(async () => (await clerk.report(again.file_id)).status).toBe('undone');
    await decide(clerk, review.id, 'new').expect(200);
    await expectStates(clerk, done.file_id, ['created identity-separated', 'created']);
    expect(await clerk.import(listOf(JOHN, OTHER), { force: 'true' })).toMatchObject({ unchanged: 2 });
    await undo(clerk, review.id, done.file_id);
    await expectStates(clerk, done.file_id, waits);
    await decide(clerk, review.id, 'reject').expect(200);
    await expectStates(clerk, done.file_id, ['rejected identity-rejected', 'created']);
    for (const reference of [first, second]) expect(await conditionsOf(reference)).toBe(0);
    expect(await patientAt(first)).toMatchObject({ meta: { versionId: '1' } });
  }, 90_000);

  it('does not take the records of another candidate, and asks again when the chosen Patient is gone', async () => {
    const clerk = await englishClerk();
    await clerk.import(listOf(JOHN));
    const [john] = await hapi.search(`Patient?identifier=${clerk.mrn}|1`);
    const own = `Patient/${String(john?.['id'])}`;
    const other = await addPatient(clerk.mrn, 'Smith');
    const done = await clerk.import(listOf(JOHN), { force: 'true' });
    expect(await statesOf(clerk, done.file_id)).toEqual(WAITS);
    const review = await onlyReview(clerk, done.file_id);
    await decide(clerk, review.id, 'same', other).expect(200);
    await expectStates(clerk, done.file_id, ['updated']);
    expect([await conditionsOf(own), await conditionsOf(other)]).toEqual([1, 1]);
    expect(await patientAt(own)).toMatchObject({ meta: { versionId: '1' } });
    expect(await clerk.import(listOf(JOHN), { force: 'true' })).toMatchObject({ unchanged: 1 });

    // A third Patient does not make the choice doubtful.
    const third = await addPatient(clerk.mrn, 'Third');
    expect(await clerk.import(listOf(JOHN), { force: 'true' })).toMatchObject({ unchanged: 1 });
    await undo(clerk, review.id, done.file_id);
    await expectStates(clerk, done.file_id, WAITS);
    expect([await conditionsOf(own), await conditionsOf(other)]).toEqual([1, 0]);
    const later = await clerk.import(listOf(JOHN), { force: 'true' });
    const wider = await onlyReview(clerk, later.file_id);
    expect(wider.sides.candidates).toHaveLength(3);
    await decide(clerk, wider.id, 'same', third).expect(200);
    await expect.poll(() => conditionsOf(third), { timeout: 20_000 }).toBe(1);
    await clerk.ended(done.file_id);
    await clerk.ended(later.file_id);
    const { identifier: _, ...without } = (await patientAt(third)) ?? {};
    await hapi.json(`/${third}`, { method: 'PUT', body: without });
    expect(await clerk.import(listOf(JOHN), { force: 'true' })).toMatchObject({ waiting: 1 });
  }, 90_000);
});

describe('a row that waits for a decision about its identity', () => {
  it('can also wait for a word: a corrected decision about the word moves the record of the new patient', async () => {
    const clerk = await englishClerk();
    await clerk.import(listOf(JOHN));
    const done = await clerk.import(listOf('1,Garcia,Luz,1999-05-05,F,Zetrolite,61'));
    const review = await onlyReview(clerk, done.file_id);
    await decide(clerk, review.id, 'new').expect(200);
    await expectStates(clerk, done.file_id, ['waiting identity-separated']);
    const word = `/api/terms/${await termOf(clerk, 'zetrolite')}/decide`;
    await clerk.post(word, GASTRITIS).expect(200);
    await expectStates(clerk, done.file_id, ['created identity-separated']);
    const crohn = { kind: 'condition', coding: { system: SNOMED, code: '34000006' } };
    expect((await clerk.post(word, crohn).expect(409)).body).toMatchObject({ affected: { conditions: 1 } });
    await clerk.post(word, { ...crohn, confirm: true }).expect(200);
    await expect
      .poll(async () => (await inboxOf(clerk, 'q=zetrolite')).items[0]?.['records_to_correct'], {
        timeout: 20_000,
      })
      .toBe(0);
    const records = await hapi.search('Condition?code:text=Zetrolite&_sort=_lastUpdated');
    expect(records).toHaveLength(2);
    const subjects = new Set(records.map(({ subject }) => JSON.stringify(subject)));
    const [john] = await hapi.search(`Patient?identifier=${clerk.mrn}|1`);
    expect([...subjects]).toEqual([expect.not.stringContaining(String(john?.['id']))]);
    expect(await hapi.count('Condition?code:text=Zetrolite&verification-status=entered-in-error')).toBe(1);
    expect(await hapi.count('Condition?code:text=Zetrolite&code=34000006&clinical-status=active')).toBe(1);

    await undo(clerk, review.id, done.file_id);
    await expectStates(clerk, done.file_id, ['waiting identity-review']);
    expect(await hapi.count('Condition?code:text=Zetrolite')).toBe(0);
    expect(await world.sql`select from word_uses where import_id = ${done.file_id}`).toHaveLength(0);
  }, 90_000);

  it('can be undone before and after a correction of its word, but not during the correction', async () => {
    const clerk = await englishClerk();
    await clerk.import(listOf(JOHN));
    const done = await clerk.import(listOf('1,Garcia,Luz,1999-05-05,F,Quixotal,61'));
    const review = await onlyReview(clerk, done.file_id);
    await decide(clerk, review.id, 'same').expect(200);
    await expectStates(clerk, done.file_id, ['waiting']);
    const word = `/api/terms/${await termOf(clerk, 'quixotal')}/decide`;
    const crohn = { kind: 'condition', coding: { system: SNOMED, code: '34000006' }, confirm: true };
    await clerk.post(word, GASTRITIS).expect(200);
    await expectStates(clerk, done.file_id, ['updated']);
    const isCorrected = () =>
      expect
        .poll(async () => (await inboxOf(clerk, 'q=quixotal')).items[0]?.['records_to_correct'], {
          timeout: 20_000,
        })
        .toBe(0);
    const whileLocked = (work: (isWaited: () => Promise<boolean>) => Promise<void>) =>
      holdingLock(world, `import ${done.file_id}`, work);
    const records = 'Condition?code:text=Quixotal';
    await whileLocked(async (isWaited) => {
      await clerk.post(word, crohn).expect(200);
      await expect.poll(isWaited, { timeout: 20_000 }).toBe(true);
      await clerk.post(`/api/imports/reviews/${review.id}/undo`).expect(409);
    });
    await isCorrected();
    expect(await hapi.count(records)).toBe(2);

    // The correction has read its records before the undo removes them, and has to notice that.
    await whileLocked(async (isWaited) => {
      await clerk.post(`/api/imports/reviews/${review.id}/undo`).expect(202);
      await expect.poll(isWaited, { timeout: 20_000 }).toBe(true);
      await clerk.post(word, { ...GASTRITIS, confirm: true }).expect(200);
      await expect.poll(() => advisoryWaits(world), { timeout: 20_000 }).toBe(2);
    });
    await expectStates(clerk, done.file_id, ['waiting identity-review']);
    await isCorrected();
    expect(await hapi.count(records)).toBe(0);
    const [john] = await hapi.search(`Patient?identifier=${clerk.mrn}|1`);
    expect(john).toMatchObject({ birthDate: '1950-01-01', gender: 'male' });

    await decide(clerk, review.id, 'same').expect(200);
    await expectStates(clerk, done.file_id, ['updated']);
    expect(await hapi.search(records)).toMatchObject([
      {
        code: { coding: [{ code: GASTRITIS.coding.code }] },
        clinicalStatus: { coding: [{ code: 'active' }] },
      },
    ]);
  }, 90_000);

  it('does not wait because a later version or another facility sends the list', async () => {
    const clerk = await englishClerk({}, { scope: 'facility' });
    const send = (more: Record<string, string>) =>
      clerk.import(listOf(JOHN, OTHER), { force: 'true', ...more });
    const north = { facility: 'urn:clinic:north' };
    expect(await send({})).toMatchObject({ created: 2 });
    expect(await send({})).toMatchObject({ unchanged: 2 });
    expect(await send(north)).toMatchObject({ updated: 2, facility: 'urn:clinic:north' });
    expect(await send(north)).toMatchObject({ unchanged: 2 });
    expect(await hapi.count(`Condition?subject:Patient.identifier=${clerk.mrn}|1`)).toBe(1);
    expect(await send({ facility: 'urn:clinic:south' })).toMatchObject({ created: 2 });
    await clerk.upload(listOf(JOHN), { facility: 'north' }).expect(400);
  }, 60_000);

  it('is not named in logs, jobs, metrics or the audit, and both sides are encrypted', async () => {
    const said = [
      await world.gateway.logged(),
      await world.gateway.metrics(),
      ...(await Promise.all(
        ['queue.job', 'audit', 'import_events', 'import_reviews', 'import_review_rows'].map(async (table) =>
          JSON.stringify(await world.sql`select * from ${world.sql(table)}`),
        ),
      )),
    ].join('\n');
    expect(said).toContain('/api/imports/reviews/:id/decide');
    expect(said).not.toMatch(/garcia|smith|1999-05-05|1950-01-01|zetrolite/i);
  });

  it.each(FAULTS.filter(({ isRare }) => isLong || isRare === undefined))(
    'runs, and is undone, when $what has ended',
    async ({ begin, end, told }) => {
      const clerk = await englishClerk();
      await clerk.import(listOf(JOHN));
      const done = await clerk.import(listOf(LUZ, OTHER));
      const review = await onlyReview(clerk, done.file_id);
      const ofLuz = 'Condition?subject:Patient.family=Garcia&code=38341003';
      const earlier = await hapi.count(ofLuz);
      const during = async (work: () => Promise<unknown>) => {
        const before = await told();
        await begin();
        try {
          await work();
          await expect.poll(told, { timeout: 40_000 }).toBeGreaterThan(before);
        } finally {
          await end();
        }
      };
      await during(() => decide(clerk, review.id, 'new').expect(200));
      await expectStates(clerk, done.file_id, ['created identity-separated', 'created']);
      expect(await hapi.count(ofLuz)).toBe(earlier + 1);

      await during(() => clerk.post(`/api/imports/reviews/${review.id}/undo`).expect(202));
      await expect
        .poll(async () => (await onlyReview(clerk, done.file_id)).state, { timeout: 40_000 })
        .toBe('open');
      await expectStates(clerk, done.file_id, ['waiting identity-review', 'created']);
      expect(await hapi.count(ofLuz)).toBe(earlier);
      expect(await hapi.search(`Patient?identifier=${clerk.mrn}|1`)).toMatchObject([
        { birthDate: '1950-01-01', meta: { versionId: '1' } },
      ]);
    },
    150_000,
  );

  it('runs though the gateway is killed after the decision', async () => {
    const clerk = await englishClerk();
    await clerk.import(listOf(JOHN));
    const done = await clerk.import(listOf(LUZ));
    const review = await onlyReview(clerk, done.file_id);
    const { gateway } = world;
    await world.sql.begin(async (transaction) => {
      await transaction`select from imports where id = ${done.file_id} for update`;
      await decide(clerk, review.id, 'new').expect(200);
      // The job waits for the locked import.
      await expect
        .poll(() => world.sql`select from pg_locks where not granted`.then(({ length }) => length), {
          timeout: 20_000,
        })
        .toBeGreaterThan(0);
      gateway.kill();
      await gateway.exited;
    });
    expect(await hapi.count(`Patient?identifier=${clerk.mrn}|1`)).toBe(1);
    await releaseJobs(world);
    world.gateway = await startTestGateway(gateway.env);
    await expect
      .poll(() => statesOf(clerk, done.file_id), { timeout: 40_000 })
      .toEqual(['created identity-separated']);
    expect(await clerk.import(listOf(JOHN, LUZ), { force: 'true' })).toMatchObject({ unchanged: 2 });
  }, 90_000);
});
