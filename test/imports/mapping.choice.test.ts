import { randomBytes } from 'node:crypto';
import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Proposal } from '../../src/imports/jobs/proposal.shape.js';
import { startTestGateway } from '../support/gateway.ts';
import { testHapi, type TestHapi } from '../support/hapi.ts';
import { startWorld, type World } from '../support/world.ts';
import { Accepted, Clerk, holdingLock, releaseJobs, type Report } from './import.world.ts';
import { list, row } from './lists.ts';

let hapi: TestHapi;
let world: World;
let clerk: Clerk;
beforeAll(async () => {
  hapi = await testHapi();
  world = await startWorld({ FHIR_BASE_URL: hapi.url });
  // The mapping of this clerk must not fit the Brazilian list, because only one mapping may fit it.
  clerk = await Clerk.start(world, { source: { country: 'BR', aliases: { name: ['Quem'] } } });
}, 200_000);
afterAll(() => world?.stop());

/** Uploads a list without the name of a mapping. */
const upload = (file: Buffer, query: Readonly<Record<string, string>> = {}) =>
  world.http
    .post('/api/imports')
    .set('authorization', clerk.caller.authorization)
    .query(query)
    .attach('file', file, 'list.csv');

async function uploaded(file: Buffer, query: Readonly<Record<string, string>> = {}): Promise<Report> {
  const answer = await upload(file, query);
  expect([answer.status, answer.text]).toEqual([202, expect.any(String)]);
  return clerk.ended(Accepted.parse(answer.body).file_id);
}

/** The letter at the start prevents texts such as 12345e67, which a spreadsheet program would round. */
const unique = () => `u${randomBytes(4).toString('hex')}`;

/** A list whose columns no stored mapping knows, and a mapping for it. Each call gives other columns and patients. */
function foreign(key = unique()) {
  const system = `urn:test:foreign-${key}`;
  const column = `kennziffer_${key}`;
  const columns = { [column]: { required: true }, wer: {}, geboren: { formats: ['dd.MM.yyyy'] }, art: {} };
  const document = {
    format: 1,
    name: `foreign-${key}`,
    version: 1,
    title: 'A list with columns that no shipped mapping knows',
    source: { country: 'DE', aliases: {} },
    columns,
    tables: { art: { w: 'female', m: 'male' } },
    identifiers: [{ column, kind: 'text', system, type: 'MR' }],
    patient: {
      name: { text: { copy: 'wer' } },
      birth_date: { copy: 'geboren' },
      gender: { lookup: 'art', table: 'art' },
    },
  };
  const lines = [
    `Kennziffer ${key},Wer,Geboren,Art`,
    `${key}1,Ute Muster,02.03.1980,w`,
    `${key}2,Uwe Muster,03.04.1981,m`,
  ];
  return { document, system, file: Buffer.from(`${lines.join('\n')}\n`) };
}

/** A CPF number that no other test uses, without valid check digits. */
const cpf = () => `${randomBytes(4).readUInt32BE() % 1_000_000_000}`.padStart(9, '1').concat('10');

const patients = (system: string) => hapi.search(`Patient?identifier=${system}|`);

describe('an upload without the name of a mapping', () => {
  it('takes the only mapping that fits, and is the same upload as one with the name', async () => {
    const file = list(row(cpf()), row(cpf()));
    const key = { 'idempotency-key': unique() };
    const first = await upload(file).set(key);
    expect(first.status).toBe(202);
    const { file_id: id } = Accepted.parse(first.body);
    const end = await clerk.ended(id);
    expect(end).toMatchObject({
      status: 'completed',
      created: 2,
      mapping: { name: 'brazil-hospital', version: 1 },
      mapping_choice: 'columns',
    });
    for (const [again, headers] of [
      [upload(file), {}],
      [upload(file, { mapping: 'auto' }), key],
      [upload(file, { mapping: 'brazil-hospital' }), {}],
      [upload(file, { mapping: 'brazil-hospital@1' }), key],
    ] as const)
      expect((await again.set(headers)).body).toMatchObject({ file_id: id, status: 'completed' });
    expect((await upload(file, { mapping: 'english-plain' }).set(key)).status).toBe(422);
    const forced = await uploaded(file, { force: 'true' });
    expect(forced).toMatchObject({ created: 0, unchanged: 2 });
  }, 60_000);

  it('is the same as an earlier upload that named its mapping, as all uploads of earlier versions did', async () => {
    const file = list(row(cpf()));
    const key = { 'idempotency-key': unique() };
    const named = await upload(file, { mapping: 'brazil-hospital' }).set(key);
    const { file_id: id } = Accepted.parse(named.body);
    await clerk.ended(id);
    for (const headers of [{}, key]) {
      const again = await upload(file).set(headers);
      expect([again.status, again.body]).toEqual([200, { file_id: id, status: 'completed' }]);
    }
  }, 60_000);

  it('gives one import for uploads at the same time', async () => {
    const file = list(row(cpf()));
    const answers = await Promise.all(Array.from({ length: 4 }, () => upload(file)));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    expect(new Set(answers.map(({ body }) => Accepted.parse(body).file_id)).size).toBe(1);
  }, 60_000);
});

describe('an import without a fitting mapping', () => {
  it('waits for a mapping, and is written with the mapping that a person sends', async () => {
    const key = unique();
    const { document, system, file } = foreign(key);
    const waiting = await uploaded(file);
    expect(waiting).toMatchObject({
      status: 'needs_mapping',
      mapping: null,
      mapping_choice: 'open',
      rows_total: 2,
      rows_done: 0,
    });
    const { file_id: id } = waiting;
    const listed = await clerk.get('/api/imports?status=needs_mapping').expect(200);
    expect(JSON.stringify(listed.body)).toContain(id);
    const same = await upload(file);
    expect([same.status, same.body]).toEqual([200, { file_id: id, status: 'needs_mapping' }]);

    const { body } = await clerk.get(`/api/imports/${id}/proposal`).expect(200);
    const proposal = Proposal.parse(body);
    expect(proposal).toMatchObject({ rows_total: 2, encoding: 'utf-8', delimiter: ',', fits: [] });
    expect(proposal.columns.map(({ column }) => column)).toEqual([
      `Kennziffer ${key}`,
      'Wer',
      'Geboren',
      'Art',
    ]);
    // The proposal contains patient data, so it is stored encrypted.
    const [stored] = await world.sql`select proposal from imports where id = ${id}`;
    expect(String(stored?.['proposal'])).not.toContain('Geboren');

    const choose = (answer: object) => clerk.post(`/api/imports/${id}/mapping`, answer);
    for (const [answer, field] of [
      [{}, 'mapping'],
      [{ mapping: 'brazil-hospital', document }, 'mapping'],
      [{ mapping: 'nobodys' }, 'mapping'],
      [{ document: { ...document, identifiers: [] } }, 'document.identifiers'],
      [{ document: { ...document, name: 'auto' } }, 'document.name'],
    ] as const)
      expect((await choose(answer).expect(422)).body).toMatchObject({ field });
    expect((await choose({ document: { ...document, version: 7 } }).expect(409)).body).toMatchObject({
      code: 'mapping-version-conflict',
    });
    const chosen = await choose({ document }).expect(202);
    expect(chosen.body).toMatchObject({
      mapping: { name: document.name, version: 1 },
      mapping_choice: 'person',
    });
    // The same request again changes nothing.
    await choose({ document }).expect(202);
    expect(await clerk.ended(id)).toMatchObject({ status: 'completed', created: 2, rows_total: 2 });
    expect((await choose({ mapping: 'brazil-hospital' }).expect(409)).body).toMatchObject({
      code: 'import-state-conflict',
    });
    // The proposal is deleted with the question.
    await clerk.get(`/api/imports/${id}/proposal`).expect(409);
    const [ute] = await patients(system);
    expect(await patients(system)).toHaveLength(2);
    expect(ute).toMatchObject({ gender: 'female', birthDate: '1980-03-02' });
    const events = (await clerk.get(`/api/imports/${id}/events`).expect(200)).text;
    expect(events).toContain('"status":"needs_mapping"');

    // The next list with these columns needs no answer.
    const next = Buffer.concat([file, Buffer.from(`${unique()},Ute Beispiel,02.03.1990,w\n`)]);
    expect(await uploaded(next)).toMatchObject({ status: 'completed', created: 1, unchanged: 2 });
  }, 60_000);

  it('is written with the draft, which the values of the columns give', async () => {
    const key = unique();
    const lines = [
      'Patienten-Nr.;Nachname;Vorname;Geschlecht;Geb.-Datum;Gewicht (kg)',
      `${key}-1;Muster;Ute;w;02.03.1980;71,5`,
      `${key}-2;Muster;Uwe;m;31.12.1981;80`,
    ];
    const facility = `urn:test:clinic-${key}`;
    const { file_id: id, status } = await uploaded(Buffer.from(lines.join('\r\n'), 'latin1'), { facility });
    expect(status).toBe('needs_mapping');
    const { body } = await clerk.get(`/api/imports/${id}/proposal`).expect(200);
    const { draft, questions, preview, columns } = Proposal.parse(body);
    expect(columns.map(({ field }) => field)).not.toContain(null);
    expect(questions).toEqual([]);
    const shown = preview.map(({ state, resources }) => [state, resources.map((one) => one.resourceType)]);
    expect(shown).toEqual(preview.map(() => ['written', ['Patient', 'Observation']]));
    expect(preview.map(({ row: number }) => number)).toEqual([2, 3]);
    await clerk.post(`/api/imports/${id}/mapping`, { document: draft }).expect(202);
    expect(await clerk.ended(id)).toMatchObject({ status: 'completed', created: 2 });
    const found = await hapi.search(`Patient?identifier=${key}-1`);
    expect(found).toMatchObject([
      { name: [{ family: 'Muster', given: ['Ute'] }], gender: 'female', birthDate: '1980-03-02' },
    ]);
    const weights = await hapi.search(`Observation?patient=${String(found[0]?.['id'])}`);
    expect(weights).toMatchObject([{ valueQuantity: { value: 71.5, code: 'kg' } }]);
  }, 60_000);

  it('asks if several mappings fit, and takes the mapping of the earlier lists with these columns', async () => {
    const { document, file } = foreign();
    const other = { ...document, name: `${document.name}-b` };
    for (const one of [document, other]) await clerk.post('/api/mappings', one).expect(201);
    const facility = { facility: `urn:test:${unique()}` };
    const first = await uploaded(file, facility);
    expect(first.status).toBe('needs_mapping');
    await clerk.post(`/api/imports/${first.file_id}/mapping`, { mapping: other.name }).expect(202);
    await clerk.ended(first.file_id);
    const next = Buffer.concat([file, Buffer.from(`${unique()},Ute Beispiel,02.03.1990,w\n`)]);
    expect(await uploaded(next, facility)).toMatchObject({
      status: 'completed',
      mapping: { name: other.name },
      mapping_choice: 'earlier',
    });
    // The lists of another facility do not count.
    expect((await uploaded(next, { facility: `urn:test:${unique()}` })).status).toBe('needs_mapping');
  }, 60_000);

  it('keeps mode, day and facility, rehearses, and writes after the commit', async () => {
    const { document, system, file } = foreign();
    const query = { mode: 'rehearse', as_of: '2026-01-02', facility: 'urn:test:north', corrections: 'amend' };
    const { file_id: id } = await uploaded(file, query);
    await clerk.post(`/api/imports/${id}/mapping`, { document }).expect(202);
    expect(await clerk.ended(id)).toMatchObject({
      ...query,
      status: 'rehearsed',
      created: 2,
    });
    expect(await patients(system)).toHaveLength(0);
    await clerk.post(`/api/imports/${id}/commit`).expect(202);
    expect(await clerk.ended(id)).toMatchObject({ status: 'completed', created: 2 });
  }, 60_000);

  it('can be cancelled and asks again after a retry; a mapping that does not fit can be replaced', async () => {
    const { document, file } = foreign();
    const { file_id: id } = await uploaded(file);
    await clerk.post(`/api/imports/${id}/cancel`).expect(202);
    await clerk.post(`/api/imports/${id}/mapping`, { document }).expect(409);
    await clerk.post(`/api/imports/${id}/retry`).expect(202);
    expect((await clerk.ended(id)).status).toBe('needs_mapping');
    await clerk.post(`/api/imports/${id}/mapping`, { mapping: 'english-plain' }).expect(202);
    expect(await clerk.ended(id)).toMatchObject({ status: 'failed', failure: 'file-header-missing' });
    await clerk.post(`/api/imports/${id}/mapping`, { document }).expect(202);
    expect(await clerk.ended(id)).toMatchObject({ status: 'completed', created: 2, failure: null });
  }, 60_000);

  it('survives kills before the question and after the answer; without an answer, it ends after seven days', async () => {
    const { document, system, file } = foreign();
    const restart = async () => {
      world.gateway.kill();
      await world.gateway.exited;
      await releaseJobs(world);
      world.gateway = await startTestGateway(world.gateway.env);
    };
    const { file_id: id } = Accepted.parse((await upload(file).expect(202)).body);
    await restart();
    expect((await clerk.ended(id)).status).toBe('needs_mapping');

    const forgotten = foreign();
    const { file_id: old } = await uploaded(forgotten.file);
    const folder = join(String(world.gateway.env['DATA_DIR']), 'imports');
    expect(await readdir(folder)).toContain(`${old}.sealed`);
    // The gateway deletes no file of the last hour.
    await utimes(join(folder, `${old}.sealed`), 0, 0);
    await world.sql`update imports set proposed_at = now() - interval '8 days' where id = ${old}`;

    await holdingLock(world, `import ${id}`, async (isWaited) => {
      await clerk.post(`/api/imports/${id}/mapping`, { document }).expect(202);
      await expect.poll(isWaited).toBe(true);
      await restart();
    });
    await expect.poll(async () => (await clerk.report(old)).status).toBe('failed');
    expect(await clerk.report(old)).toMatchObject({
      failure: 'file-mapping-missing',
      failure_details: { message: expect.stringContaining('seven days') },
    });
    await expect.poll(() => readdir(folder)).not.toContain(`${old}.sealed`);
    await clerk.post(`/api/imports/${old}/mapping`, { document: forgotten.document }).expect(409);
    // A new upload is a new import.
    expect((await upload(forgotten.file)).status).toBe(202);

    expect(await clerk.ended(id)).toMatchObject({
      status: 'completed',
      created: 2,
      mapping_choice: 'person',
    });
    expect(await patients(system)).toHaveLength(2);
  }, 90_000);
});

const dates = (day: string) => Buffer.from(`MRN,Surname,Given name,DOB\nA1,Smith,Ana,${day}\n`);
const folder = () => readdir(join(String(world.gateway.env['DATA_DIR']), 'imports'));

const draft = (body: Buffer, type = 'text/csv', query: Readonly<Record<string, string>> = {}) =>
  world.http
    .post('/api/mappings/draft')
    .set('authorization', clerk.caller.authorization)
    .set('content-type', type)
    .query(query)
    .send(body);

describe('POST /api/mappings/draft', () => {
  it('drafts a mapping from the bytes of a list or from a form, and imports and keeps nothing', async () => {
    const before = [await folder(), await world.sql`select count(*) from imports`];
    const body = dates('02/03/1980');
    const raw = Proposal.parse((await draft(body).expect(200)).body);
    expect(raw).toMatchObject({
      mapping: null,
      rows_total: 1,
      is_sample: false,
      country: expect.any(String),
    });
    expect(raw.fits).toContainEqual({ name: 'english-plain', version: 1 });
    expect(raw.questions.map(({ code, column }) => [code, column])).toContainEqual(['day-order', 'DOB']);
    const form = await world.http
      .post('/api/mappings/draft')
      .set('authorization', clerk.caller.authorization)
      .attach('file', body, 'list.csv');
    expect(form.body).toEqual(raw);
    const american = Proposal.parse((await draft(body, 'text/csv', { country: 'US' }).expect(200)).body);
    expect(american.preview).toMatchObject([{ resources: [{ birthDate: '1980-02-03' }] }]);
    const known = Proposal.parse((await draft(dates('1980-02-03')).expect(200)).body);
    expect(known.mapping).toEqual({ name: 'english-plain', version: 1 });
    // The draft is a valid document.
    await clerk.post('/api/mappings', { ...raw.draft, name: unique() }).expect(201);
    expect([await folder(), await world.sql`select count(*) from imports`]).toEqual(before);
  }, 60_000);

  it('reads one list at a time, lets four wait, and keeps no file of a list that it refuses', async () => {
    const rows = Array.from({ length: 6_000 }, (_, at) => `A${at},Smith,Ana,1980-02-03\n`);
    const body = Buffer.from(`MRN,Surname,Given name,DOB\n${rows.join('')}`);
    const before = await folder();
    const answers = await Promise.all(Array.from({ length: 12 }, async () => draft(body)));
    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(5);
    expect(refused.length).toBeGreaterThan(0);
    expect(answers.length - refused.length).toBe(answers.filter(({ status }) => status === 200).length);
    for (const { headers } of refused) expect(headers['retry-after']).toMatch(/^\d+$/);
    expect(await folder()).toEqual(before);
  }, 60_000);

  it('reads the first 20,000 rows, and refuses large, unreadable and foreign bodies', async () => {
    const rows = Array.from({ length: 20_100 }, (_, at) => `A${at},Smith,Ana,1980-02-03\n`);
    const long = Proposal.parse(
      (await draft(Buffer.from(`MRN,Surname,Given name,DOB\n${rows.join('')}`)).expect(200)).body,
    );
    expect(long).toMatchObject({ rows_total: 20_000, is_sample: true });
    expect(long.preview).toHaveLength(5);
    const before = await folder();
    expect((await draft(Buffer.alloc(32 * 1024 ** 2 + 1, 'x'))).status).toBe(413);
    for (const [body, code] of [
      [Buffer.alloc(0), 'file-empty'],
      [Buffer.from('MRN,DOB\n'), 'file-header-only'],
      [Buffer.from('%PDF-1.7'), 'file-binary'],
    ] as const)
      expect((await draft(body, 'application/octet-stream').expect(422)).body).toMatchObject({
        code: 'unreadable-list',
        detail: expect.stringContaining(`(${code})`),
      });
    expect((await draft(Buffer.from('{}'), 'application/json')).status).toBe(415);
    expect((await draft(dates('1980-02-03'), 'text/csv', { encoding: 'klingon' })).status).toBe(422);
    expect(await folder()).toEqual(before);
  }, 60_000);
});

const codeOf = (system: string, code: string) => ({ system, code, display: 'A test' });
const measured = (code: object, quantity: object) => {
  const { document } = foreign();
  const rule = { name: 'weight', kind: 'quantity', category: 'vital-signs', code, value: { copy: 'art' } };
  return { ...document, observations: [{ ...rule, quantity: { unit: 'kg', ucum: 'kg', ...quantity } }] };
};
const coded = (code: string) => {
  const answers = { yes: [codeOf('http://snomed.info/sct', code)] };
  const { observations, ...document } = measured({}, {});
  const [{ quantity: _, ...rule } = { quantity: {} }] = observations;
  const loinc = codeOf('http://loinc.org', '72166-2');
  return { ...document, observations: [{ ...rule, kind: 'coded', code: loinc, answers }] };
};
const weight = codeOf('http://loinc.org', '29463-7');

describe('POST /api/mappings', () => {
  it.each([
    ['a system that is no URI', measured(codeOf('loinc', '29463-7'), {}), 'observations.0.code.system'],
    [
      'a LOINC code with a wrong check digit',
      measured(codeOf('http://loinc.org', '29463-8'), {}),
      'observations.0.code.code',
    ],
    ['a SNOMED CT code with a wrong check digit', coded('266919006'), 'observations.0.answers.yes.0.code'],
    ['a unit that is not in UCUM', measured(weight, { ucum: 'kilo' }), 'observations.0.quantity.ucum'],
    [
      'an inverted possible range',
      measured(weight, { possible: [650, 1] }),
      'observations.0.quantity.possible',
    ],
    ['an inverted usual range', measured(weight, { usual: [250, 2] }), 'observations.0.quantity.usual'],
    ['a column that is not declared', { ...foreign().document, columns: {} }, 'identifiers.0.column'],
    ['the reserved name', { ...foreign().document, name: 'auto' }, 'name'],
  ])('refuses %s, and names its place', async (_what, document, field) => {
    expect((await clerk.post('/api/mappings', document).expect(422)).body).toMatchObject({ field });
  });
});
