import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CIRCULATING, encodeList } from '../../infra/demo/patients.file.ts';
import { COLUMNS } from '../../infra/demo/patients.list.ts';
import { Clerk } from '../imports/import.world.ts';
import { testHapi, type TestHapi } from '../support/hapi.ts';
import { startWorld, type World } from '../support/world.ts';

let hapi: TestHapi;
let world: World;
let clerk: Clerk;
beforeAll(async () => {
  hapi = await testHapi();
  world = await startWorld({ FHIR_BASE_URL: hapi.url });
  clerk = await Clerk.start(world);
}, 200_000);
afterAll(() => world?.stop());

const Inbox = z.object({
  total: z.number(),
  items: z.array(z.looseObject({ id: z.string(), word: z.string() })),
});
const inbox = async (state: string) =>
  Inbox.parse((await clerk.get(`/api/terms?state=${state}`).expect(200)).body);
const list = (...notes: readonly string[]) =>
  encodeList(
    [
      [...COLUMNS],
      ...notes.map((note, at) => [
        'Ana Souza',
        `222.333.444-${10 + at}`,
        'Feminino',
        '05/06/1970',
        '',
        'Brasil',
        note,
      ]),
    ],
    CIRCULATING,
  );
const conditions = () => hapi.count(`Condition?subject:Patient.identifier=${clerk.system}|`);
const GASTRITIS = { kind: 'condition', coding: { system: 'http://snomed.info/sct', code: '4556007' } };

describe('the inbox of words', () => {
  it('a word waits once; deciding it writes the rows that waited and no others', async () => {
    const done = await clerk.import(list('Zumbidite', 'zumbidite|Hipertenso', '', 'não diabético'));
    expect(done).toMatchObject({ status: 'completed_with_errors', waiting: 3, created: 1 });
    expect(await hapi.count(`Patient?identifier=${clerk.system}|`)).toBe(4);
    expect(await conditions()).toBe(1);
    const { items } = await inbox('unmapped');
    expect(items).toMatchObject([{ word: 'Zumbidite', state: 'unmapped', rows_waiting: 2 }]);
    expect(await inbox('ambiguous')).toMatchObject({ items: [{ word: 'não diabético', rows_waiting: 1 }] });

    const id = items[0]?.id ?? '';
    const wrong = { ...GASTRITIS, coding: { ...GASTRITIS.coding, code: '4556008' } };
    await clerk.post(`/api/terms/${id}/decide`, wrong).expect(422);
    await clerk.post(`/api/terms/${id}/decide`, GASTRITIS).expect(200);
    await expect.poll(async () => (await clerk.report(done.file_id)).updated, { timeout: 20_000 }).toBe(2);
    expect(await conditions()).toBe(3);
    const again = await clerk.ended(done.file_id);
    expect(again).toMatchObject({ rows_total: 4, rows_done: 4, waiting: 1, updated: 2, created: 1 });
  }, 60_000);

  it('an ignored word no longer waits, and what was decided is taken elsewhere as a ConceptMap', async () => {
    const { items } = await inbox('ambiguous');
    await clerk.post(`/api/terms/${items[0]?.id}/ignore`).expect(200);
    await expect.poll(async () => (await inbox('ambiguous')).total, { timeout: 10_000 }).toBe(0);
    const map = await clerk.get('/api/terms/concept-map').expect(200);
    expect(map.body).toMatchObject({
      resourceType: 'ConceptMap',
      group: [{ source: 'urn:radgate:words:pt' }],
    });
    await clerk.post('/api/terms/concept-map', z.looseObject({}).parse(map.body)).expect(200, { taken: 1 });
    expect(await inbox('decided')).toMatchObject({ total: 1 });
  }, 60_000);

  it('suggests known words that look like it', async () => {
    await clerk.import(list('Hipertensoo'));
    const { items } = await inbox('unmapped');
    const found = await clerk.get(`/api/terms/${items[0]?.id}/suggestions`).expect(200);
    expect(JSON.stringify(found.body)).toContain('38341003');
    const reader = await world.person({ rights: ['records:read'], scope: { kind: 'all' } });
    await world.http
      .post(`/api/terms/${items[0]?.id}/ignore`)
      .set('authorization', reader.authorization)
      .send({})
      .expect(403);
  }, 60_000);
});
