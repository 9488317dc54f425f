import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CIRCULATING, encodeList, patientFile } from '../../infra/demo/patients.file.ts';
import { COLUMNS } from '../../infra/demo/patients.list.ts';
import { SHIPPED_MAPPINGS } from '../../src/mapping/defaults.js';
import type { FaultyProxy, TestHapi } from '../support/hapi.ts';
import { longForm } from '../support/long.form.ts';
import type { World } from '../support/world.ts';
import { Clerk, countedRows } from './import.world.ts';
import type { Place } from './place.ts';

let hapi: TestHapi;
let way: FaultyProxy;
let world: World;
let setFate: Place['setFate'];

const Rows = z.object({
  total: z.number(),
  items: z.array(
    z.object({
      row: z.number(),
      state: z.string(),
      issues: z.array(z.looseObject({ code: z.string() })),
      changes: z.array(z.looseObject({ resource: z.string(), element: z.string() })),
    }),
  ),
});
const Listed = z.object({ total: z.number(), items: z.array(z.looseObject({ file_name: z.string() })) });
const rowsOf = async (clerk: Clerk, id: string, query = '') =>
  Rows.parse((await clerk.get(`/api/imports/${id}/rows${query}`).expect(200)).body);
/** The chunks of an import for which the plans are still stored. */
const keptPlans = async (id: string): Promise<unknown> => {
  const [found] = await world.sql`
    select count(plans)::int as chunks from import_chunks where import_id = ${id}`;
  return found?.['chunks'];
};
const list = (...rows: readonly string[][]) => encodeList([[...COLUMNS], ...rows], CIRCULATING);
const row = (cpf: string, note = '', gender = 'Feminino', birth = '01/02/1980') => [
  'Maria da Silva',
  cpf,
  gender,
  birth,
  '(11) 3333-4444',
  'Brasil',
  note,
];

const FEW = list(row('111.222.333-21', 'Diabético'), row('111.222.333-22'), row('111.222.333-23'));

/** Defines the tests of the life of an import and of uploads. */
export function lifeScenarios(place: () => Place): void {
  beforeAll(() => {
    ({ hapi, way, world, setFate } = place());
  });

  describe('the life of an import', () => {
    it('rehearses without writing, and commit does what the rehearsal said', async () => {
      const clerk = await Clerk.start(world);
      const rehearsed = await clerk.import(FEW, { mode: 'rehearse' });
      expect(rehearsed).toMatchObject({ status: 'rehearsed', created: 3 });
      expect(await hapi.count(`Patient?identifier=${clerk.system}|`)).toBe(0);
      expect(await keptPlans(rehearsed.file_id)).toBe(1);
      const before = await rowsOf(clerk, rehearsed.file_id);
      expect(before.items[0]?.changes.map(({ element }) => element)).toContain('birthDate');
      await clerk.post(`/api/imports/${rehearsed.file_id}/commit`).expect(202);
      const done = await clerk.ended(rehearsed.file_id);
      expect(done).toMatchObject({ status: 'completed', created: 3 });
      const after = await rowsOf(clerk, rehearsed.file_id);
      expect(after.items.map(({ state }) => state)).toEqual(before.items.map(({ state }) => state));
      expect(await hapi.count(`Patient?identifier=${clerk.system}|`)).toBe(3);
      expect(await keptPlans(rehearsed.file_id)).toBe(0);
      await clerk.post(`/api/imports/${rehearsed.file_id}/commit`).expect(409);
    }, 60_000);

    it('undo takes back what nobody changed, and lists the rest', async () => {
      const clerk = await Clerk.start(world);
      const done = await clerk.import(FEW);
      const [patient] = await hapi.search(`Patient?identifier=${clerk.system}|`);
      const path = `/Patient/${String(patient?.['id'])}`;
      await hapi.json(path, { method: 'PUT', body: { ...patient, address: [{ city: 'Olinda' }] } });
      expect(await hapi.count(`Provenance?target:Patient.identifier=${clerk.system}|`)).toBe(1);
      await clerk.post(`/api/imports/${done.file_id}/undo`).expect(202);
      await expect
        .poll(async () => (await clerk.report(done.file_id))['finished_at'], { timeout: 30_000 })
        .not.toBeNull();
      const undone = await clerk.report(done.file_id);
      expect(undone).toMatchObject({
        status: 'undone',
        undo_conflicts: [expect.objectContaining({ resource: path.slice(1) })],
      });
      expect(await hapi.count(`Patient?identifier=${clerk.system}|`)).toBe(1);
    }, 60_000);

    it('accounts for each row, and errors.csv comes back mended', async () => {
      const clerk = await Clerk.start(world);
      const file = list(
        row('111.222.333-01'),
        row('111.222.333-02', '', 'Feminino', '31/02/1980'),
        row('111.222.333-03', 'Gestante', 'Masculino'),
        row('111.222.333-01'),
        row('1,23E+10'),
        row('111.222.333-04', 'Palavra estranha'),
        ['too', 'few'],
      );
      const done = await clerk.import(file);
      expect(done).toMatchObject({
        status: 'completed_with_errors',
        rows_total: 7,
        created: 1,
        rejected: 4,
        duplicate: 1,
        waiting: 1,
      });
      expect(countedRows(done)).toBe(7);
      expect(done.reasons).toMatchObject({
        'date-invalid': 1,
        'pregnant-male': 1,
        'identifier-scientific': 1,
        'column-count': 1,
        'duplicate-same': 1,
        'term-unmapped': 1,
      });
      const errors = await clerk.get(`/api/imports/${done.file_id}/errors.csv`).expect(200);
      expect(errors.text).toContain('date-invalid');
      const mended = errors.text.replace('31/02/1980', '28/02/1980').replace('Gestante', '');
      const second = await clerk.import(Buffer.from(mended));
      expect(second).toMatchObject({ created: 2, waiting: 1 });
      const outcome = await clerk.get(`/api/imports/${done.file_id}/outcome`).expect(200);
      expect(outcome.body).toMatchObject({ resourceType: 'OperationOutcome' });
    }, 60_000);

    it('unites rows of one patient where the mapping says so', async () => {
      const [brazil] = SHIPPED_MAPPINGS;
      const clerk = await Clerk.start(world, {
        policies: { ...brazil?.policies, duplicate_in_file: 'merge' },
      });
      const done = await clerk.import(
        list(row('111.222.333-01', 'Hipertenso'), row('111.222.333-01', 'Diabético'), row('111.222.333-02')),
      );
      expect(done).toMatchObject({ status: 'completed', created: 2, duplicate: 1 });
      expect(await hapi.count(`Condition?subject:Patient.identifier=${clerk.system}|11122233301`)).toBe(2);
    }, 60_000);

    it('loses nothing while HAPI answers 503, drops answers or resets', async () => {
      const clerk = await Clerk.start(world);
      const from = way.seen.length;
      setFate((count) => {
        const at = count - from;
        if (at <= longForm(12, 2)) return 'busy';
        return at % 5 === 0 ? 'lost' : at % 7 === 0 ? 'reset' : 'pass';
      });
      try {
        const done = await clerk.import(patientFile());
        expect(done).toMatchObject({ status: 'completed', rejected: 0 });
        expect(countedRows(done)).toBe(50);
      } finally {
        setFate(() => 'pass');
      }
      expect(await hapi.count(`Patient?identifier=${clerk.system}|`)).toBe(50);
      expect(await hapi.count(`Condition?subject:Patient.identifier=${clerk.system}|`)).toBe(11);
    }, 90_000);

    it('tells its progress as events, and again from where a listener left', async () => {
      const clerk = await Clerk.start(world);
      const done = await clerk.import(FEW);
      const events = await clerk.get(`/api/imports/${done.file_id}/events`).expect(200);
      const ids = [...events.text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
      expect(ids.length).toBeGreaterThan(1);
      expect(events.text).toContain('"status":"completed"');
      const rest = await clerk
        .get(`/api/imports/${done.file_id}/events`)
        .set('last-event-id', String(ids[0]));
      expect([...rest.text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))).toEqual(ids.slice(1));
      // A UUID can also contain the eleven digits of a CPF.
      expect(events.text.replaceAll(done.file_id, '')).not.toMatch(/\d{11}/);
    }, 60_000);
  });

  describe('uploads', () => {
    it('are kept sealed, once per file and Idempotency-Key, and only for those who may', async () => {
      const clerk = await Clerk.start(world);
      const key = { 'idempotency-key': `key-${clerk.mapping}` };
      const first = await clerk.upload(FEW, { force: 'true' }).set(key).expect(202);
      expect(first.headers['location']).toMatch(/^\/api\/imports\//);
      const again = await clerk.upload(FEW, { force: 'true' }).set(key).expect(200);
      expect(again.body).toMatchObject({
        file_id: z.object({ file_id: z.string() }).parse(first.body).file_id,
      });
      await clerk
        .upload(list(row('111.222.333-01')), { force: 'true' })
        .set(key)
        .expect(422);
      const nobody = await world.person({ rights: ['records:read'], scope: { kind: 'all' } });
      await world.http
        .post('/api/imports')
        .set('authorization', nobody.authorization)
        .attach('file', FEW, 'x.csv')
        .expect(403);
      await clerk.post('/api/imports', { file: 'x' }).expect(415);
      await world.http
        .post('/api/imports')
        .set('authorization', clerk.caller.authorization)
        .attach('other', FEW, 'x.csv')
        .expect(422);
      await clerk.upload(FEW, { mapping: 'unheard-of' }).expect(422);
    }, 60_000);

    it('is found in the list by its file, its status and in an order, as are mappings by their name', async () => {
      const clerk = await Clerk.start(world);
      const [one, other] = [`${clerk.mapping}-b.csv`, `${clerk.mapping}-a.csv`];
      for (const [name, file] of [
        [one, Buffer.alloc(0)],
        [other, list(row('111.222.333-05'))],
      ] as const) {
        const { file_id } = z
          .object({ file_id: z.string() })
          .parse((await clerk.upload(file, { mode: 'rehearse' }, name).expect(202)).body);
        await clerk.ended(file_id);
      }
      const listed = async (query: object) => {
        const answer = await clerk
          .get('/api/imports')
          .query({ q: clerk.mapping, ...query })
          .expect(200);
        return Listed.parse(answer.body);
      };
      const names = async (query: object) => (await listed(query)).items.map(({ file_name }) => file_name);
      expect(await names({})).toEqual([other, one]);
      expect(await names({ sort: 'file_name' })).toEqual([other, one]);
      expect(await names({ sort: '-file_name' })).toEqual([one, other]);
      expect(await names({ status: 'failed' })).toEqual([one]);
      expect(await listed({ limit: 1, offset: 1 })).toMatchObject({ total: 2, items: [{ file_name: one }] });
      await clerk.get('/api/imports?sort=sha256').expect(400);
      await clerk.get('/api/imports?status=lost').expect(400);
      const mappings = await clerk.get('/api/mappings').query({ q: clerk.mapping, sort: '-version' });
      expect(mappings.body).toMatchObject({ total: 1, items: [{ name: clerk.mapping }] });
    }, 60_000);
  });
}
