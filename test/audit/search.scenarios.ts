import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { testHapi } from '../support/hapi.ts';
import type { Caller, Person, World } from '../support/world.ts';

const study = freshUid();
const PATIENT = { issuer: 'TEST', patient_id: 'SEARCHED-1' };
const Row = z.looseObject({
  id: z.number(),
  at: z.iso.datetime(),
  action: z.string(),
  client: z.string(),
  status: z.number().nullable(),
  account: z.object({ id: z.string(), name: z.string() }).nullable(),
});
const Page = z.object({ items: z.array(Row), total: z.number() });
const Accesses = z.object({
  items: z.array(
    z.object({
      at: z.iso.datetime(),
      account: z.string().nullable(),
      name: z.string().nullable(),
      organisation: z.string(),
      is_own: z.boolean(),
      what: z.string(),
      study_uid: z.string(),
    }),
  ),
  total: z.number(),
});

let world: World;
let auditor: Person;
let sender: Caller;
let reader: Person;
let subject: Person;

const ask = (query: string, who: Caller = auditor) =>
  world.http.get(`/api/audit${query}`).set('authorization', who.authorization);
const page = async (query: string) => Page.parse((await ask(query).expect(200)).body);

const accesses = async (who: Caller, query = '') => {
  const answer = await world.http
    .get(`/api/me/accesses${query}`)
    .set('authorization', who.authorization)
    .expect(200);
  return Accesses.parse(answer.body);
};

/** Registers the tests of this file with the given gateway. */
export function registerSearch(given: () => World): void {
  describe('search', () => {
    beforeAll(async () => {
      world = given();
      auditor = await world.person({ rights: ['audit:read'], scope: { kind: 'all' } });
      sender = await world.machine();
      await world
        .store(sender, [makeInstance({ studyUid: study, patientId: PATIENT.patient_id })])
        .expect(200);
      reader = await world.radiologist(study);
      for (const client of ['=cmd|calc', '+1', '-1', '@x', '\tx', 'plain, "quoted"'])
        await world.get(reader, `/studies/${study}`).set('user-agent', client).expect(200);
      await world.get(reader, `/studies/${study}/metadata`).expect(200);
      await world.get(reader, '/studies').expect(200);
      subject = await world.person({ rights: ['studies:read'], scope: { kind: 'own-patient' } });
      const { authorization } = await world.admin();
      await world.http
        .put(`/api/users/${subject.id}/patient`)
        .set('authorization', authorization)
        .send(PATIENT)
        .expect(200);
    });

    describe('GET /api/audit/summary', () => {
      const Counted = z.object({ accesses: z.number(), refused: z.number() });
      const Summary = z.object({
        days: z.array(Counted.extend({ day: z.iso.date() })),
        accounts: z.array(
          Counted.extend({ account: z.object({ id: z.string(), name: z.string() }).nullable() }),
        ),
      });
      const today = new Date().toISOString().slice(0, 10);

      it('counts accesses and refusals by day and account, also with the filters of the list', async () => {
        const guest = await world.radiologist(study);
        await world.get(guest, '/studies').expect(200);
        await world.get(guest, '/studies/1.2.3.4').expect(404);
        const { body } = await ask(`/summary?account=${guest.id}`).expect(200);
        const { days, accounts } = Summary.parse(body);
        const rows = await page(`?account=${guest.id}&limit=1000`);
        const refused = rows.items.filter(({ status }) => status === 404).length;
        expect(refused).toBeGreaterThan(0);
        expect(days).toHaveLength(30);
        expect(days.at(-1)).toEqual({ day: today, accesses: rows.total - refused, refused });
        expect(days.slice(0, -1).every(({ accesses }) => accesses === 0)).toBe(true);
        expect(accounts).toEqual([
          { account: { id: guest.id, name: guest.name }, accesses: rows.total - refused, refused },
        ]);
        const of = Summary.parse((await ask(`/summary?study=${study}&from=${today}`).expect(200)).body);
        expect(of.days).toHaveLength(1);
        expect(of.accounts.map(({ account }) => account?.name)).toContain(sender.name);
      });

      it('has at most 92 days, and needs the right', async () => {
        await ask('/summary?from=2026-01-01&to=2026-04-03').expect(200);
        for (const query of ['from=2026-01-01&to=2026-04-04', 'from=2026-01-02&to=2026-01-01', 'limit=1'])
          await ask(`/summary?${query}`).expect(400);
        for (const path of ['/summary', '/verification']) await ask(path, reader).expect(403);
      });
    });

    describe('GET /api/audit', () => {
      it('finds rows by account, patient, study, action and kind, newest first, in pages', async () => {
        expect((await page(`?account=${reader.name.toUpperCase()}&kind=opened`)).total).toBe(7);
        expect((await page(`?account=${reader.id}&action=read`)).total).toBe(7);
        expect((await page(`?patient=${PATIENT.patient_id}&issuer=TEST&action=read%20metadata`)).total).toBe(
          1,
        );
        expect((await page(`?patient=${PATIENT.patient_id}&issuer=OTHER`)).total).toBe(0);
        expect(
          (await page(`?study=${study}&action=POST`)).items.map(({ account }) => account?.name),
        ).toContain(sender.name);
        expect((await page(`?q=${reader.name}&action=GET%20/dicom-web/studies&kind=answer`)).total).toBe(1);
        const whole = await page(`?study=${study}&account=${reader.id}`);
        expect(whole.items.map(({ id }) => id)).toEqual(
          whole.items.map(({ id }) => id).toSorted((a, b) => b - a),
        );
        const second = await page(`?study=${study}&account=${reader.id}&limit=2&offset=2`);
        expect([second.total, second.items]).toEqual([whole.total, whole.items.slice(2, 4)]);
        expect((await page(`?study=${study}&account=${reader.id}&sort=at`)).items).toEqual(
          whole.items.toReversed(),
        );
      });

      it('finds rows by time', async () => {
        const { items } = await page(`?account=${reader.id}&sort=at&kind=opened`);
        const [first, second] = [items[0]?.at ?? '', items[1]?.at ?? ''];
        expect((await page(`?account=${reader.id}&kind=opened&to=${encodeURIComponent(first)}`)).total).toBe(
          0,
        );
        const before = await page(`?account=${reader.id}&kind=opened&to=${encodeURIComponent(second)}`);
        const after = await page(`?account=${reader.id}&kind=opened&from=${encodeURIComponent(second)}`);
        expect(before.total + after.total).toBe(7);
        expect((await page('?from=2001-01-01&to=2001-02-01')).total).toBe(0);
      });

      it.each([
        'from=yesterday',
        'to=2026-99-01',
        'kind=x',
        'sort=address',
        'format=xml',
        'limit=-1',
        'account=',
        'study=%00',
      ])('refuses %s', async (query) => {
        await ask(`?${query}`).expect(400);
      });

      it('needs audit:read, and each search is audited with its query', async () => {
        await ask('', reader).expect(403);
        await page(`?patient=${PATIENT.patient_id}&action=none`);
        const { items } = await page(
          `?account=${auditor.id}&action=GET%20/api/audit&patient=${PATIENT.patient_id}`,
        );
        expect(items[0]).toMatchObject({ detail: { action: 'none', format: 'json' } });
      });

      it('returns all rows as CSV without formulas for spreadsheets', async () => {
        const answer = await ask(`?account=${reader.id}&kind=opened&format=csv`).expect(200);
        expect(answer.headers['content-type']).toMatch(/^text\/csv/);
        const lines = answer.text.split('\r\n');
        expect(lines).toHaveLength(9);
        for (const safe of [",'=cmd|calc,", ",'+1,", ",'-1,", ",'@x,", ',"plain, ""quoted""",'])
          expect(answer.text).toContain(safe);
        expect(answer.text).not.toMatch(/(^|,|")[=+@-]/m);
      });

      it.each([
        ['text/csv', 'text/csv; charset=utf-8; header=present'],
        ['application/fhir+json;q=0.9, application/json', 'application/fhir+json; charset=utf-8'],
        ['application/json, text/csv', 'application/json; charset=utf-8'],
        ['*/*', 'application/json; charset=utf-8'],
      ])('uses the Accept header %s when no format is named', async (accept, type) => {
        const answer = await ask('?limit=1').set('accept', accept).expect(200);
        expect(answer.headers['content-type']).toBe(type);
        const named = await ask('?limit=1&format=json').set('accept', accept).expect(200);
        expect(named.headers['content-type']).toBe('application/json; charset=utf-8');
      });

      it('gives more rows than are read at once, each once', async () => {
        await world.sql`insert into audit (kind, address, action, account_id, account_name)
      select 'answer', 'test', 'many ' || n, ${reader.id}, 'many' from generate_series(1, 2345) n`;
        const answer = await ask('?action=many&format=csv').expect(200);
        const ids = answer.text
          .split('\r\n')
          .slice(1, -1)
          .map((line) => line.split(',', 1)[0]);
        expect([ids.length, new Set(ids).size]).toEqual([2345, 2345]);
      });

      it('gives AuditEvents that a FHIR server finds valid', { timeout: 240_000 }, async () => {
        await world.http.post('/api/auth/login').send({ username: 'admin', password: 'wrong' }).expect(401);
        const { authorization } = await world.admin();
        await world.http
          .delete('/api/groups/00000000-0000-4000-8000-000000000000')
          .set('authorization', authorization);
        const kinds = [
          `study=${study}`,
          'action=POST%20/api/auth',
          'action=DELETE',
          'action=PUT',
          'action=GET',
        ];
        const hapi = await testHapi();
        const Bundle = z.looseObject({ entry: z.array(z.looseObject({})) });
        const Outcome = z.object({
          issue: z.array(z.looseObject({ severity: z.string(), diagnostics: z.string().optional() })),
        });
        for (const kind of kinds) {
          const url = `${world.gateway.url}/api/audit?format=fhir&limit=12&${kind}`;
          const answer = await fetch(url, { headers: { authorization: auditor.authorization } });
          expect(answer.headers.get('content-type')).toMatch(/^application\/fhir\+json/);
          const bundle = Bundle.parse(await answer.json());
          expect([kind, bundle.entry.length > 0]).toEqual([kind, true]);
          const outcome = Outcome.parse(
            await hapi.json('/Bundle/$validate', { method: 'POST', body: bundle }),
          );
          expect(
            outcome.issue.filter(({ severity }) => severity === 'error' || severity === 'fatal'),
          ).toEqual([]);
        }
      });
    });

    describe('GET /api/me/accesses', () => {
      it('shows a person who opened their images, when and what, in pages', async () => {
        const { items, total } = await accesses(subject);
        expect(total).toBe(7);
        expect(new Set(items.map(({ account }) => account))).toEqual(new Set([reader.name]));
        expect(items[0]).toMatchObject({ what: 'metadata', study_uid: study });
        expect((await accesses(subject, '?limit=2&offset=1&sort=at')).items).toEqual(
          items.toReversed().slice(1, 3),
        );
        expect(await accesses(subject, '?q=nobody')).toEqual({ items: [], total: 0 });
        await world.get(subject, `/studies/${study}/metadata`).expect(200);
        expect((await accesses(subject)).items[0]).toMatchObject({ account: subject.name, is_own: true });
      });

      it('names the organisation always, and the person unless the name is withheld, also after removal', async () => {
        const { authorization } = await world.admin();
        const doctor = await world.radiologist(study);
        const change = (body: object) =>
          world.http.patch(`/api/users/${doctor.id}`).set('authorization', authorization).send(body);
        await change({ organisation: 'Lakeside Clinic', display_name: 'Dr Vera Verborgen' }).expect(200);
        await world.get(doctor, `/studies/${study}/metadata`).expect(200);
        const named = { account: doctor.name, name: 'Dr Vera Verborgen', organisation: 'Lakeside Clinic' };
        const first = async (query = '') => (await accesses(subject, query)).items[0];
        expect(await first()).toMatchObject({ ...named, is_own: false });
        expect(await first('?q=verborgen')).toMatchObject(named);

        await change({ name_withheld: true }).expect(200);
        const withheld = { account: null, name: null, organisation: 'Lakeside Clinic' };
        expect(await first()).toMatchObject(withheld);
        // A search by letters would reveal the name.
        for (const part of ['verborgen', doctor.name])
          expect(await accesses(subject, `?q=${part}`)).toEqual({ items: [], total: 0 });
        const [row] = await world.sql<{ detail: object }[]>`
          select detail from audit where action = 'PATCH /api/users/:id' order by at desc, id desc limit 1`;
        expect(row?.detail).toMatchObject({ name_withheld: true });

        await world.http.delete(`/api/users/${doctor.id}`).set('authorization', authorization).expect(204);
        expect(await first()).toMatchObject({ account: null, name: null, organisation: '' });
        expect(await accesses(subject, `?q=${doctor.name}`)).toEqual({ items: [], total: 0 });
      });

      it('refuses an invalid query for every account', async () => {
        for (const who of [subject, reader])
          for (const query of ['sort=zzz', 'limit=x', 'unknown=1']) {
            const asked = world.http.get(`/api/me/accesses?${query}`).set('authorization', who.authorization);
            expect([query, (await asked).status]).toEqual([query, 400]);
          }
      });

      it('shows nothing to an account without a linked patient, and nothing about other patients', async () => {
        expect(await accesses(reader)).toEqual({ items: [], total: 0 });
        const other = await world.person();
        const { authorization } = await world.admin();
        const link = { ...PATIENT, issuer: 'ELSEWHERE' };
        await world.http
          .put(`/api/users/${other.id}/patient`)
          .set('authorization', authorization)
          .send(link)
          .expect(200);
        expect(await accesses(other)).toEqual({ items: [], total: 0 });
      });
    });
  });
}
