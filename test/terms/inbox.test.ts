import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Clerk } from '../imports/import.world.ts';
import { startDatabaseProxy } from '../support/database.proxy.ts';
import { startTestGateway } from '../support/gateway.ts';
import { startFaultyProxy, testHapi, type FaultyProxy, type TestHapi } from '../support/hapi.ts';
import { isLong } from '../support/long.form.ts';
import { startWorld, type World } from '../support/world.ts';
import { GASTRITIS, inboxOf, listOfWords, SNOMED, termOf } from './inbox.world.ts';

let hapi: TestHapi;
let way: FaultyProxy;
let busy = false;
let world: World;
let clerk: Clerk;
beforeAll(async () => {
  hapi = await testHapi();
  way = await startFaultyProxy(hapi.url, () => (busy ? 'busy' : 'pass'));
  world = await startWorld({ FHIR_BASE_URL: way.url });
  clerk = await Clerk.start(world);
}, 200_000);
afterAll(async () => {
  await world?.stop();
  await way?.close();
});

const conditions = () => hapi.count(`Condition?subject:Patient.identifier=${clerk.system}|`);
const decide = (id: string, target: object = GASTRITIS) => clerk.post(`/api/terms/${id}/decide`, target);

describe('the inbox of words', () => {
  it('a word waits once; deciding it writes the rows that waited and no others', async () => {
    const done = await clerk.import(listOfWords(0, 'Zumbidite', 'zumbidite|Hipertenso', '', 'não diabético'));
    expect(done).toMatchObject({ status: 'completed_with_errors', waiting: 3, created: 1 });
    expect(await hapi.count(`Patient?identifier=${clerk.system}|`)).toBe(4);
    expect(await conditions()).toBe(1);
    const { items } = await inboxOf(clerk, 'state=unmapped');
    expect(items).toMatchObject([{ word: 'Zumbidite', state: 'unmapped', rows_waiting: 2 }]);
    const doubtful = await inboxOf(clerk, 'state=ambiguous');
    expect(doubtful).toMatchObject({ items: [{ word: 'não diabético', rows_waiting: 1 }] });

    const id = items[0]?.id ?? '';
    await decide(id, { ...GASTRITIS, coding: { system: SNOMED, code: '4556008' } }).expect(422);
    await decide(id, { ...GASTRITIS, kind: 'guess' }).expect(422);
    await decide(id).expect(200);
    await expect.poll(async () => (await clerk.report(done.file_id)).created, { timeout: 20_000 }).toBe(3);
    expect(await conditions()).toBe(3);
    const again = await clerk.ended(done.file_id);
    expect(again).toMatchObject({ rows_total: 4, rows_done: 4, waiting: 1, updated: 0, created: 3 });
  }, 60_000);

  it('an ignored word no longer waits, and its row in the audit names it by its id', async () => {
    const id = await termOf(clerk, 'não diab');
    await clerk.post(`/api/terms/${id}/ignore`).expect(200);
    await expect.poll(async () => (await inboxOf(clerk, 'state=ambiguous')).total).toBe(0);
    const rows =
      await world.sql`select detail from audit where action = 'POST /api/terms/:id/ignore' and status = 200`;
    expect(rows.map((row) => row['detail'])).toEqual([{ id }]);
  }, 60_000);

  it('has the words of a row that is refused for something else too, so that it comes back mended once', async () => {
    const word = `xilografite${randomBytes(4).toString('hex')}`;
    const [head, line] = listOfWords(90, word).toString().split('\n');
    const wrong = `${line?.replace('05/06/1970', '31/06/1970')}`;
    const unreadable = `${line?.replace('222.300', '222.301').replace(word, `${word}\0`)}`;
    const formula = `${line?.replace('222.300', '222.302').replace(word, `=${word}`)}`;
    const file = [head, wrong, unreadable, formula, ''].join('\n');
    for (const query of [{ mode: 'rehearse' }, {}]) {
      const done = await clerk.import(Buffer.from(file), query);
      expect(done).toMatchObject({ rejected: 3, waiting: 0, reasons: { 'term-unmapped': 1 } });
      const { items } = await inboxOf(clerk, `q=${word}`);
      expect(items).toMatchObject([{ word, state: 'unmapped', rows_waiting: 0 }]);
    }
    await decide(await termOf(clerk, word)).expect(200);
    const before = await conditions();
    const mended = Buffer.from([head, line, ''].join('\n'));
    expect(await clerk.import(mended)).toMatchObject({ status: 'completed', created: 1, waiting: 0 });
    expect(await conditions()).toBe(before + 1);
  }, 60_000);

  it('is searched, sorted and paged', async () => {
    await clerk.import(listOfWords(10, 'Xalapose', 'Xalapose', 'xerebite', 'Xerebite|100% xol_'));
    const most = await inboxOf(clerk, 'q=x&state=unmapped&language=pt&limit=1');
    expect(most).toMatchObject({ total: 3, items: [{ rows_waiting: 2 }] });
    const words = async (query: string) => (await inboxOf(clerk, query)).items.map(({ word }) => word);
    expect(await words('q=X&state=unmapped&sort=word')).toEqual(['100% xol_', 'Xalapose', 'xerebite']);
    expect(await words('q=x&state=unmapped&sort=-word&offset=1&limit=1')).toEqual(['Xalapose']);
    expect(await words('q=%25%20xol_')).toEqual(['100% xol_']);
    for (const query of ['state=open', 'sort=secret', 'limit=x', 'colour=red', 'q=%00'])
      await clerk.get(`/api/terms?${query}`).expect(400);
  }, 60_000);

  it('takes a word of any length and any letters', async () => {
    const novel = `Zz${'sopro sistólico '.repeat(400)}`;
    const done = await clerk.import(listOfWords(20, novel, `${novel}!`, `${'y'.repeat(199)}😀yy`));
    expect(done).toMatchObject({ status: 'completed_with_errors', waiting: 3, rejected: 0 });
    const { items } = await inboxOf(clerk, 'q=zzsopro');
    expect(items).toMatchObject([{ rows_waiting: 2, word: novel.slice(0, 200) }]);
    await clerk.post(`/api/terms/${items[0]?.id}/ignore`).expect(200);
    await expect.poll(async () => (await clerk.report(done.file_id)).waiting, { timeout: 20_000 }).toBe(1);
  }, 60_000);

  it('suggests known words that look like it', async () => {
    await clerk.import(listOfWords(30, 'Hipertensoo'));
    const id = await termOf(clerk, 'Hipertensoo');
    const found = await clerk.get(`/api/terms/${id}/suggestions`).expect(200);
    expect(JSON.stringify(found.body)).toContain('38341003');
    const reader = await world.person({ rights: ['records:read'], scope: { kind: 'all' } });
    const asReader = (path: string) => world.http.post(path).set('authorization', reader.authorization);
    await asReader(`/api/terms/${id}/ignore`).send({}).expect(403);
    await asReader('/api/terms/concept-map').send({}).expect(403);
  }, 60_000);
});

describe('a decision', () => {
  it('reaches the rows of an import that had asked before and still runs', async () => {
    const first = await clerk.import(listOfWords(40, 'Ossobucose'));
    busy = true;
    const seen = way.seen.length;
    const { body } = await clerk.upload(listOfWords(50, 'ossobucose', '')).expect(202);
    const second = z.object({ file_id: z.string() }).parse(body).file_id;
    // The import is now searching for its patients in HAPI, so the gateway has already looked up the words of the import.
    await expect.poll(() => way.seen.length, { timeout: 20_000 }).toBeGreaterThan(seen);
    await decide(await termOf(clerk, 'ossobucose')).expect(200);
    busy = false;
    for (const id of [first.file_id, second])
      await expect.poll(async () => (await clerk.report(id)).waiting, { timeout: 40_000 }).toBe(0);
    await expect.poll(async () => (await clerk.report(second)).status, { timeout: 20_000 }).toBe('completed');
    expect(await clerk.report(second)).toMatchObject({ created: 2, updated: 0 });
  }, 120_000);

  it('counts a row once, although its file was rehearsed before; the words of one import can be listed', async () => {
    const list = listOfWords(55, 'Tralalite', 'tralalite');
    for (const round of ['first', 'second']) {
      const rehearsed = await clerk.import(list, { mode: 'rehearse', force: 'true' });
      expect(rehearsed).toMatchObject({ status: 'rehearsed', waiting: 2 });
      expect(await inboxOf(clerk, 'q=tralalite'), round).toMatchObject({ items: [{ rows_waiting: 2 }] });
    }
    const done = await clerk.import(list);
    const [found, ...others] = (await inboxOf(clerk, `import=${done.file_id}`)).items;
    expect([found, others]).toMatchObject([{ word: 'Tralalite', rows_waiting: 2 }, []]);
    // The row was updated by the first run of this import, and the second run changes nothing more.
    await clerk.post(`/api/terms/${found?.id}/ignore`).expect(200);
    await expect.poll(async () => (await clerk.report(done.file_id)).waiting, { timeout: 20_000 }).toBe(0);
    expect(await clerk.ended(done.file_id)).toMatchObject({ created: 2, updated: 0, unchanged: 0 });
  }, 60_000);

  it('leaves an import alone that somebody cancelled', async () => {
    const rehearsed = await clerk.import(listOfWords(60, 'Trololite'), { mode: 'rehearse' });
    await clerk.post(`/api/imports/${rehearsed.file_id}/cancel`).expect(202);
    await decide(await termOf(clerk, 'Trololite')).expect(200);
    // Decisions about both words use the same queue. If the decision about Trololite had queued a run of the cancelled import, this run
    // would end before the run for Trelelite.
    const other = await clerk.import(listOfWords(70, 'Trelelite'));
    await decide(await termOf(clerk, 'Trelelite')).expect(200);
    await expect.poll(async () => (await clerk.report(other.file_id)).waiting, { timeout: 20_000 }).toBe(0);
    expect(await clerk.report(rehearsed.file_id)).toMatchObject({ status: 'cancelled', waiting: 1 });
    // The decision must not process the rows of the cancelled import again.
    expect(await inboxOf(clerk, 'q=trololite')).toMatchObject({ items: [{ rows_waiting: 0 }] });
    await clerk.post(`/api/imports/${rehearsed.file_id}/undo`).expect(202);
    expect(await inboxOf(clerk, 'q=trololite')).toMatchObject({ items: [{ rows_waiting: 0 }] });
  }, 60_000);
});

const ICD = 'http://hl7.org/fhir/sid/icd-10';
const loadMap = (body: string, type = 'application/fhir+json') =>
  world.http
    .post('/api/terms/code-maps')
    .set('authorization', clerk.caller.authorization)
    .type(type)
    .send(body);
const mapsTo = (code: string, equivalence = 'equivalent') => [{ code, equivalence }];

describe('a map from ICD-10 to SNOMED CT', () => {
  const url = `urn:test:codes-${randomBytes(4).toString('hex')}`;
  const codeMapOf = (element: object[]) =>
    JSON.stringify({
      resourceType: 'ConceptMap',
      url,
      version: '3',
      group: [{ source: SNOMED, target: ICD, element }],
    });

  it('adds the concept to later lists and to Conditions that are sent again; undo takes it back', async () => {
    const split = { split: 'note', by: ['|'] };
    const words = [{ words: split, codes: { ...split, system: ICD }, language: 'pt' }];
    const coded = await Clerk.start(world, { words });
    const list = listOfWords(300, 'I10', 'J45.9', 'E11.9|I10', 'K29 - Zetagastrite');
    const codesOf = async () => {
      const found = await hapi.search(`Condition?subject:Patient.identifier=${coded.system}|`);
      return found
        .map(({ code }) =>
          Codes.parse(code)
            .coding.map((one) => one.code)
            .join(' '),
        )
        .sort();
    };
    const rehearsed = await coded.import(list, { mode: 'rehearse' });
    expect(rehearsed).toMatchObject({ status: 'rehearsed', created: 4, waiting: 0 });

    const map = [
      { code: '38341003', display: 'Hypertensive disorder', target: mapsTo('I10') },
      { code: '44054006', target: mapsTo('E11.9', 'narrower') },
      { code: '195967001', target: mapsTo('J45.9') },
      { code: '4556007', target: mapsTo('J45.9') },
      { code: '73211009', target: mapsTo('K29', 'wider') },
    ];
    expect((await loadMap(codeMapOf(map)).expect(200)).body).toMatchObject({
      url,
      version: '3',
      codes: 3,
      usable: 2,
      left_out: 1,
    });
    // A commit writes what the rehearsal has shown.
    await coded.post(`/api/imports/${rehearsed.file_id}/commit`).expect(202);
    expect(await coded.ended(rehearsed.file_id)).toMatchObject({ status: 'completed', created: 4 });
    expect(await codesOf()).toEqual(['E11.9', 'I10', 'I10', 'J45.9', 'K29']);

    const again = await coded.import(list, { force: 'true' });
    expect(again).toMatchObject({ created: 0, updated: 2, unchanged: 2 });
    expect(again.reasons).toMatchObject({ 'icd-code-ambiguous': 1 });
    const withConcepts = ['E11.9 44054006', 'I10 38341003', 'I10 38341003', 'J45.9', 'K29'];
    expect(await codesOf()).toEqual(withConcepts);

    await coded.post(`/api/imports/${again.file_id}/undo`).expect(202);
    await expect.poll(async () => (await coded.report(again.file_id)).status).toBe('undone');
    expect(await codesOf()).toEqual(['E11.9', 'I10', 'I10', 'J45.9', 'K29']);
    expect(await coded.import(list, { force: 'true' })).toMatchObject({ updated: 2, unchanged: 2 });
    expect(await coded.import(list, { force: 'true' })).toMatchObject({ updated: 0, unchanged: 4 });
  }, 60_000);

  it('is replaced by the next map with its URL as a whole, and can be deleted', async () => {
    const { body } = await loadMap(codeMapOf([{ code: '38341003', target: mapsTo('I10') }])).expect(200);
    for (const [wrong, status] of [
      [codeMapOf([{ code: '38341004', target: mapsTo('I10') }]), 422],
      [codeMapOf([]), 422],
      [codeMapOf([{ code: '38341003', target: mapsTo('I10') }]).slice(0, -3), 422],
      ['{}', 422],
    ] as const)
      await loadMap(wrong).expect(status);
    await loadMap(codeMapOf([]), 'application/json').expect(415);
    const maps = async () =>
      Maps.parse((await clerk.get('/api/terms/code-maps').expect(200)).body).items.filter(
        (one) => one.url === url,
      );
    expect(await maps()).toMatchObject([{ codes: 1, usable: 1 }]);
    expect(await world.sql`select count(*)::int as number from code_map_targets`).toEqual([{ number: 1 }]);
    const { id } = z.object({ id: z.string() }).parse(body);
    await clerk.delete(`/api/terms/code-maps/${id}`).expect(204);
    await clerk.delete(`/api/terms/code-maps/${id}`).expect(404);
    expect(await maps()).toEqual([]);
    expect(await world.sql`select from code_maps`).toHaveLength(0);
  }, 60_000);
});

const smallMap = (url: string, code = 'I10') =>
  JSON.stringify({
    resourceType: 'ConceptMap',
    url,
    group: [{ source: ICD, target: SNOMED, element: [{ code, target: mapsTo('38341003') }] }],
  });
const mapUrls = async () =>
  Maps.parse((await clerk.get('/api/terms/code-maps').expect(200)).body).items.map(({ url }) => url);

it('a map is used only when it is complete, and there are at most 20 maps', async () => {
  const numbered = Array.from({ length: 20 }, (_, at) => `urn:test:numbered-${at + 10}`);
  // A load that ended early, for example in a crash, is removed by the next load.
  await world.sql`insert into code_maps (url, version, loaded_by, created_at)
    values ('', '', 'clerk', now() - interval '2 hours')`;
  for (const url of numbered) await loadMap(smallMap(url)).expect(200);
  expect(await world.sql`select from code_maps where active_since is null`).toHaveLength(0);
  expect((await loadMap(smallMap('urn:test:numbered-30')).expect(422)).body).toMatchObject({
    detail: expect.stringContaining('20 maps'),
  });
  // A map with a known URL replaces the earlier one.
  expect((await loadMap(smallMap('urn:test:numbered-10', 'I11')).expect(200)).body).toMatchObject({
    codes: 1,
  });
  expect(await mapUrls()).toEqual(numbered);

  // A client that disconnects in the middle changes nothing.
  const { hostname, port } = new URL(world.gateway.url);
  const socket = connect(Number(port), hostname);
  const body = smallMap('urn:test:numbered-10', 'I12');
  const headers = [
    'POST /api/terms/code-maps HTTP/1.1',
    'Host: x',
    `Authorization: ${clerk.caller.authorization}`,
    'Content-Type: application/fhir+json',
    `Content-Length: ${body.length}`,
  ];
  socket.write(`${headers.join('\r\n')}\r\n\r\n${body.slice(0, -4)}`);
  const begun = () => world.sql`select from code_maps where active_since is null`;
  await expect.poll(begun).toHaveLength(1);
  socket.destroy();
  await expect.poll(begun).toHaveLength(0);
  expect(
    await world.sql`select code from code_map_targets
      join code_maps on code_maps.id = map where url = 'urn:test:numbered-10'`,
  ).toEqual([{ code: 'I11' }]);

  // A body above 64 MiB is refused, and nothing is left of it.
  const announced = connect(Number(port), hostname);
  const answer = new Promise<string>((resolve) => announced.once('data', (part) => resolve(String(part))));
  announced.write(`${headers.slice(0, -1).join('\r\n')}\r\nContent-Length: ${64 * 1024 ** 2 + 1}\r\n\r\n{`);
  expect(await answer).toContain(' 413 ');
  announced.destroy();
  expect(await begun()).toHaveLength(0);
  await world.sql`delete from code_maps`;
}, 60_000);

if (isLong)
  it('a sender of a code map that stalls is cut off, and the next sender gets its turn', async () => {
    const { hostname, port } = new URL(world.gateway.url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(
      `POST /api/terms/code-maps HTTP/1.1\r\nHost: x\r\nAuthorization: ${clerk.caller.authorization}\r\n` +
        'Content-Type: application/fhir+json\r\nContent-Length: 1000\r\n\r\n{"resourceType":',
    );
    const begun = () => world.sql`select from code_maps where active_since is null`;
    await expect.poll(begun).toHaveLength(1);
    const stalled = performance.now();
    await closed;
    expect(performance.now() - stalled).toBeLessThan(30_000);
    await expect.poll(begun).toHaveLength(0);
    await loadMap(smallMap('urn:test:after-the-stall')).expect(200);
    await world.sql`delete from code_maps`;
  }, 60_000);

const Codes = z.object({ coding: z.array(z.object({ code: z.string() })) });
const Maps = z.object({ items: z.array(z.looseObject({ url: z.string() })) });
const DecisionMap = z.looseObject({ group: z.array(z.looseObject({ element: z.array(z.looseObject({})) })) });
const map = async () => DecisionMap.parse((await clerk.get('/api/terms/concept-map').expect(200)).body);
const take = (body: object) => clerk.post('/api/terms/concept-map', body);
const mapOf = (element: object[], system = SNOMED, source = 'urn:radgate:words:pt') => ({
  resourceType: 'ConceptMap',
  url: 'urn:test:elsewhere',
  version: '7',
  status: 'draft',
  group: [{ source, target: system, element }],
});

const meant = (code: string) => ({ code, target: [{ code: '4556007', equivalence: 'equivalent' }] });
const unmeant = (code: string) => ({ code, target: [{ equivalence: 'unmatched' }] });

describe('decisions as a ConceptMap', () => {
  it('go to a FHIR server as they are, and come back the same, what is ignored as well', async () => {
    const exported = await map();
    const checked = z
      .object({ issue: z.array(z.object({ severity: z.string() })) })
      .parse(await hapi.json('/ConceptMap/$validate', { method: 'POST', body: exported }));
    expect(
      checked.issue.filter(({ severity }) => severity !== 'information' && severity !== 'warning'),
    ).toEqual([]);
    const words = exported.group.flatMap(({ element }) => element);
    expect(JSON.stringify(words)).toContain('unmatched');
    await take(exported).expect(200, { taken: words.length, left_out: 0 });
    expect(await map()).toEqual(exported);
  }, 60_000);

  it('of elsewhere settle words that wait; what is inexact or double is left out, what cannot be is refused', async () => {
    const word = `kafkose${randomBytes(4).toString('hex')}`;
    const done = await clerk.import(listOfWords(80, word, `${word}x`));
    const equivalent = [{ code: '4556007', equivalence: 'equivalent' }];
    await take(mapOf([{ code: word, target: [{ code: '4556008', equivalence: 'equivalent' }] }])).expect(422);
    await take(mapOf([{ code: word, target: equivalent }], 'no address')).expect(422);
    await take(mapOf([{ code: word, target: equivalent }], SNOMED, 'urn:radgate:words:la')).expect(422);
    await take({ resourceType: 'Patient' }).expect(422);
    const elements = [
      { code: word.toUpperCase(), target: equivalent },
      { code: `${word}x`, target: [{ code: '4556007', equivalence: 'wider' }] },
      { code: 'twice', target: equivalent },
      { code: 'Twice', target: equivalent },
    ];
    await take(mapOf(elements)).expect(200, { taken: 1, left_out: 2 });
    await expect.poll(async () => (await clerk.report(done.file_id)).waiting, { timeout: 20_000 }).toBe(1);
    expect(await clerk.ended(done.file_id)).toMatchObject({ created: 1, updated: 0 });
  }, 60_000);

  it('are stored by one statement, however many words they hold', async () => {
    const way = await startDatabaseProxy(world.database.appUrl);
    const { PORT: _, DATA_DIR: __, ...env } = world.gateway.env;
    const gateway = await startTestGateway({ ...env, DATABASE_URL: way.url });
    try {
      const words = Array.from(
        { length: 700 },
        (_, at) => `numerose ${at} ${randomBytes(3).toString('hex')}`,
      );
      const elements = words.map((word, at) => (at % 2 === 0 ? meant(word) : unmeant(word)));
      const send = () =>
        request(gateway.url)
          .post('/api/terms/concept-map')
          .set('authorization', clerk.caller.authorization)
          .send(mapOf(elements));
      for (const round of [1, 2]) {
        await send().expect(200, { taken: 700, left_out: 0 });
        expect(way.statements('insert into terms')).toBe(round);
      }
      const [stored] = await world.sql`
        select count(*) filter (where state = 'decided' and target ->> 'kind' = 'condition')::int as decided,
          count(*) filter (where state = 'ignored' and target is null)::int as ignored
        from terms where word like 'numerose %'`;
      expect(stored).toEqual({ decided: 350, ignored: 350 });
    } finally {
      await gateway.leave();
      way.close();
    }
  }, 60_000);

  it.each(['\\u0000', '\\ud800', 'x\\udc00y'])(
    'with %s in a text are refused and not an error',
    async (text) => {
      const target = '[{"code":"4556007","equivalence":"equivalent"}]';
      const group = `{"source":"urn:radgate:words:pt","target":"${SNOMED}","element":[{"code":"${text}","target":${target}}]}`;
      const body = `{"resourceType":"ConceptMap","url":"u","version":"1","group":[${group}]}`;
      const { status } = await world.http
        .post('/api/terms/concept-map')
        .set('authorization', clerk.caller.authorization)
        .type('json')
        .send(body);
      expect(status).toBe(422);
    },
  );
});
