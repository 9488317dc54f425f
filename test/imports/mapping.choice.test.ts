import { randomBytes } from 'node:crypto';
import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Proposal } from '../../src/imports/jobs/proposal.shape.js';
import { startTestGateway } from '../support/gateway.ts';
import { testHapi, type TestHapi } from '../support/hapi.ts';
import { startWorld, type World } from '../support/world.ts';
import { Accepted, Clerk, holdingLock, type Report } from './import.world.ts';
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
