import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { SHIPPED_MAPPINGS } from '../../src/mapping/defaults.js';
import { codeOf } from '../authn/second.factors.ts';
import { table } from '../authz/matrix.table.ts';
import { longForm } from '../support/long.form.ts';
import { type Caller, startWorld, type World } from '../support/world.ts';
import { multipartOf } from '../support/stow.body.ts';
import { pngOf } from '../uploads/upload.files.ts';
import { Asking, Document } from './document.checking.ts';

const NOBODY = '00000000-0000-4000-8000-000000000000';
const TOKEN = 'a-token-for-metrics-alone';
const Id = z.looseObject({ id: z.uuid() });
const verbs = z.enum(['get', 'head', 'post', 'put', 'patch', 'delete', 'options']);
const bodiless = new Set(['get', 'head', 'options']);

let world: World;
let admin: Caller;
let document: Document;
let asking: Asking;
beforeAll(async () => {
  // The configured FHIR server is unreachable, so the gateway accepts imports and the imports wait.
  world = await startWorld({
    FHIR_BASE_URL: 'http://127.0.0.1:1/fhir',
    METRICS_TOKEN: TOKEN,
    KEEP_ORIGINALS: 'true',
  });
  admin = await world.admin();
  document = Document.parse((await world.http.get('/api/openapi.json').expect(200)).body);
  asking = new Asking(document);
});
afterAll(() => world?.stop());
afterEach(() => expect(asking.faults.splice(0)).toEqual([]));

/** Sends a request to a route and compares the answer with the document. `ids` are the values of the route's parameters. */
function ask(
  route: string,
  ids: Readonly<Record<string, string>> = {},
  more: { query?: object; body?: object } = {},
) {
  const [method = '', path = ''] = route.split(' ');
  const url = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? NOBODY);
  const verb = verbs.parse(method.toLowerCase());
  const test = world.http[verb](url)
    .set('authorization', admin.authorization)
    .query(more.query ?? {});
  return asking.of(route, more.body === undefined ? test : test.send(more.body));
}

it('every route says what it answers when it goes well', () => {
  const silent = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { responses }]) => {
      const well = Object.entries(responses).filter(([status]) => /^[23]/.test(status));
      const bodies = well.flatMap(([, answer]) =>
        'content' in answer ? Object.keys(answer.content ?? {}) : [],
      );
      const isBare = well.every(([status]) => /^(204|30\d)$/.test(status));
      return well.length > 0 && (isBare || bodies.length > 0) ? [] : [`${method} ${path}`];
    }),
  );
  expect(silent).toEqual([]);
});

it('refusals are as they are said, of every route to anybody', async () => {
  const nobody = await world.person();
  for (const [at, { route, path, body }] of table.entries()) {
    const [method = '', pattern = ''] = route.split(' ');
    if (/sessions|logout/.test(route)) continue;
    const said = `${method} ${pattern.replaceAll(/:(\w+)/g, '{$1}').replaceAll('*', '{rest}')}`;
    const url = (path ?? pattern)
      .replaceAll(/:(study|series|instance)\b/g, '1.2.3')
      .replaceAll(':frames', '1')
      .replaceAll(/:\w+/g, NOBODY)
      .replaceAll('*', 'x');
    const verb = verbs.parse(method.toLowerCase());
    const callers = [undefined, nobody.authorization, admin.authorization];
    // In `npm test`, each route has one caller.
    for (const authorization of longForm(callers, [callers[at % callers.length]])) {
      const test = world.http[verb](url).redirects(0);
      if (authorization !== undefined) void test.set('authorization', authorization);
      await asking.of(said, bodiless.has(verb) ? test : test.send(body ?? {}));
    }
  }
}, 120_000);

it('second factors', async () => {
  const person = await world.person();
  const Challenge = z.looseObject({ challenge: z.string() });
  const Enrolment = z.looseObject({ id: z.uuid(), secret: z.string() });
  const { name, password } = person;
  const credentials = { username: name, password };
  await ask('PATCH /api/groups/{id}', { id: person.groupId }, { body: { requires_second_factor: true } });
  await ask('GET /api/groups/{id}/second-factor', { id: person.groupId });
  const { challenge } = Challenge.parse((await ask('POST /api/auth/login', {}, { body: credentials })).body);
  const begin = { challenge, kind: 'totp' };
  const begun = await ask('POST /api/auth/second-factor/enrolment', {}, { body: begin });
  const first = Enrolment.parse(begun.body);
  await ask('POST /api/auth/second-factor', {}, { body: { challenge, code: codeOf(first.secret, 5000) } });
  const done = await ask(
    'POST /api/auth/second-factor',
    {},
    { body: { challenge, code: codeOf(first.secret) } },
  );
  await ask('POST /api/auth/second-factor', {}, { body: { challenge, code: codeOf(first.secret) } });
  const { access_token } = z.looseObject({ access_token: z.string() }).parse(done.body);
  const own = (route: string, id = '', body: object = {}) => {
    const test = world.http.post(route.slice('POST '.length).replace('{id}', id));
    return asking.of(route, test.set('authorization', `Bearer ${access_token}`).send(body));
  };
  const wish = { kind: 'totp', password };
  const second = Enrolment.parse((await own('POST /api/me/second-factors', '', wish)).body);
  await own('POST /api/me/second-factors', '', { kind: 'passkey', password });
  await own('POST /api/me/second-factors/{id}/confirm', second.id, { code: codeOf(second.secret) });
  await own('POST /api/me/recovery-codes', '', { password });
  await own('POST /api/me/second-factors/{id}/remove', second.id, { password });
  await own('POST /api/me/second-factors/{id}/remove', first.id, { password });
  await ask('GET /api/me/second-factors');
  await ask('GET /api/users/{user}/second-factors', { user: person.id });
  await ask('DELETE /api/users/{user}/second-factors', { user: person.id });
});

it('users, groups and grants', async () => {
  const made = async (route: string, body: object, ids = {}) =>
    Id.parse((await ask(route, ids, { body })).body).id;
  const id = await made('POST /api/users', { username: 'told', password: 'a password to be told' });
  await ask('POST /api/users', {}, { body: { username: 'told' } });
  await ask('GET /api/users', {}, { query: { sort: '-username' } });
  await ask('GET /api/users', {}, { query: { sort: 'nothing' } });
  await ask('GET /api/users/{id}', { id });
  await ask('PATCH /api/users/{id}', { id }, { body: { display_name: 'Told' } });
  await ask('PUT /api/users/{id}/patient', { id }, { body: { issuer: 'TEST', patient_id: 'P' } });
  await ask('DELETE /api/users/{id}/patient', { id });
  await world.signIn('told', 'a password to be told');
  const { body: sessions } = await ask('GET /api/users/{user}/sessions', { user: id });
  const [session] = z.looseObject({ items: z.array(Id) }).parse(sessions).items;
  await ask('DELETE /api/users/{user}/sessions/{id}', { user: id, id: session?.id ?? '' });
  await ask('DELETE /api/users/{user}/sessions', { user: id });

  const group = await made('POST /api/groups', { name: 'told' });
  await ask('GET /api/groups');
  await ask('GET /api/groups/{id}', { id: group });
  await ask('PATCH /api/groups/{id}', { id: group }, { body: { description: 'of it' } });
  for (const _ of ['once', 'again'])
    await ask('POST /api/groups/{group}/members', { group }, { body: { user_id: id } });
  await ask('GET /api/groups/{group}/members', { group });
  await ask('GET /api/groups/{group}/members/{id}', { group, id });
  const scope = { kind: 'modality', modality: 'CT' };
  const body = { rights: ['studies:read'], scope, until: '2099-01-01T00:00:00Z' };
  const grant = await made('POST /api/groups/{group}/grants', body, { group });
  await ask('GET /api/groups/{group}/grants', { group });
  await ask('GET /api/groups/{group}/grants/{id}', { group, id: grant });
  await ask('GET /api/access/explain', {}, { query: { user: 'told', study: '1.2.3' } });
  await ask('POST /api/access/what-if', {}, { body: { group_id: group, remove: grant } });
  await ask('DELETE /api/groups/{group}/grants/{id}', { group, id: grant });
  await ask('DELETE /api/groups/{group}/members/{id}', { group, id });

  const account = await made('POST /api/accounts', { name: 'ct', silent_after_minutes: 5 });
  await ask('GET /api/accounts');
  await ask('GET /api/accounts/{id}', { id: account });
  await ask('PATCH /api/accounts/{id}', { id: account }, { body: { institution: 'North' } });
  const key = await made(
    'POST /api/accounts/{account}/keys',
    { name: 'one', ranges: ['10.0.0.0/8'] },
    { account },
  );
  await ask('GET /api/accounts/{account}/keys', { account });
  await ask('GET /api/accounts/{account}/keys/{id}', { account, id: key });
  await ask('PATCH /api/accounts/{account}/keys/{id}', { account, id: key }, { body: { name: 'two' } });
  await ask('DELETE /api/accounts/{account}/keys/{id}', { account, id: key });
  for (const [route, of] of [
    ['DELETE /api/accounts/{id}', account],
    ['DELETE /api/groups/{id}', group],
    ['DELETE /api/users/{id}', id],
  ] as const)
    await ask(route, { id: of });
});

it('oneself and signing in', async () => {
  const own = ['/api/me', '/api/me/accesses', '/api/me/sessions', '/api/auth/methods', '/api/docs'];
  for (const path of [...own, '/.well-known/jwks.json', '/health/live', '/health/ready'])
    await ask(`GET ${path}`);
  for (const path of ['/health/live', '/health/ready']) await ask(`HEAD ${path}`);
  const login = { username: 'admin', password: world.adminPassword };
  const { body } = await ask('POST /api/auth/login', {}, { body: login });
  const { refresh_token } = z.looseObject({ refresh_token: z.string() }).parse(body);
  await ask('POST /api/auth/refresh', {}, { body: { refresh_token } });
  await ask('POST /api/auth/login', {}, { body: { ...login, session: true } });
  await ask('POST /api/auth/login', {}, { body: { ...login, password: 'wrong' } });
  await asking.of('GET /metrics', world.http.get('/metrics').set('authorization', `Bearer ${TOKEN}`));
  const one = await world.person();
  const theirs = (verb: 'delete' | 'post', path: string) =>
    world.http[verb](path).set('authorization', one.authorization);
  const other = await world.signIn(one.name, one.password);
  const mine = await world.http.get('/api/me/sessions').set('authorization', other);
  const { items } = z.looseObject({ items: z.array(Id.extend({ current: z.boolean() })) }).parse(mine.body);
  const id = items.find(({ current }) => current)?.id ?? '';
  await asking.of('DELETE /api/me/sessions/{id}', theirs('delete', `/api/me/sessions/${id}`));
  await asking.of('DELETE /api/me/sessions', theirs('delete', '/api/me/sessions'));
  const change = { current_password: one.password, new_password: 'another one to be told' };
  await asking.of('POST /api/me/password', theirs('post', '/api/me/password').send(change));
  await asking.of('POST /api/auth/logout', theirs('post', '/api/auth/logout'));
});

it('operation and the audit', async () => {
  await ask('GET /api/stats');
  await ask('POST /api/catalog/rebuild');
  await ask('GET /api/catalog/rebuild');
  await ask('GET /api/stats/months');
  await ask('GET /api/system');
  await ask('GET /api/quarantine');
  for (const format of ['json', 'fhir', 'csv']) await ask('GET /api/audit', {}, { query: { format } });
  await ask('GET /api/audit/summary');
  await ask('POST /api/audit/verification');
  await ask('GET /api/audit/verification');
});

it('records', async () => {
  // This import must be inspected first. The jobs of the other import wait for the FHIR server.
  const own = 'Patienten-Nr.,Geb.-Datum\nA1,02.03.1980\n';
  const waiting = await world.http
    .post('/api/imports')
    .set('authorization', admin.authorization)
    .attach('file', Buffer.from(own), 'own.csv');
  const { file_id: question } = z.looseObject({ file_id: z.string() }).parse(waiting.body);
  const status = async () =>
    (await world.http.get(`/api/imports/${question}`).set('authorization', admin.authorization)).body;
  await expect.poll(status).toMatchObject({ status: 'needs_mapping' });
  await ask('GET /api/imports/{id}/proposal', { id: question });
  await ask('POST /api/imports/{id}/mapping', { id: question }, { body: { mapping: 'english-plain' } });
  await asking.of(
    'POST /api/mappings/draft',
    world.http
      .post('/api/mappings/draft')
      .set('authorization', admin.authorization)
      .type('text/csv')
      .send(own),
  );
  const file = Buffer.from('Nome,CPF\nAna,1\n');
  const upload = () =>
    asking.of(
      'POST /api/imports',
      world.http.post('/api/imports').set('authorization', admin.authorization).attach('file', file, 'a.csv'),
    );
  await upload();
  const { body } = await upload();
  const { file_id: id } = z.looseObject({ file_id: z.string() }).parse(body);
  await ask('GET /api/imports');
  await ask('GET /api/imports/reviews');
  for (const part of ['', '/rows', '/errors.csv', '/outcome'])
    await ask(`GET /api/imports/{id}${part}`, { id });
  for (const verb of ['commit', 'cancel', 'retry', 'undo'])
    await ask(`POST /api/imports/{id}/${verb}`, { id });
  await ask('POST /api/mappings', {}, { body: { ...SHIPPED_MAPPINGS[0], name: 'told', version: 1 } });
  await ask('GET /api/mappings');

  const words = await world.sql`
    insert into terms (language, folded, word, source_column, state)
    select 'pt', folded, folded, 'x', 'unmapped' from unnest(array['hipertensoo', 'gravidez', ${randomUUID()}]) folded
    returning id`;
  const [first, second] = words.map((row) => String(row['id']));
  await ask('GET /api/terms/{id}/suggestions', { id: first ?? '' });
  const coding = { system: 'http://snomed.info/sct', code: '4556007' };
  await ask('POST /api/terms/{id}/decide', { id: first ?? '' }, { body: { kind: 'condition', coding } });
  await ask('POST /api/terms/{id}/ignore', { id: second ?? '' }, { body: {} });
  await ask('GET /api/terms');
  const { body: map } = await ask('GET /api/terms/concept-map');
  await ask('POST /api/terms/concept-map', {}, { body: z.looseObject({}).parse(map) });
  const target = [{ code: '38341003', equivalence: 'equivalent' }];
  const codes = {
    resourceType: 'ConceptMap',
    url: 'urn:test:told',
    group: [
      {
        source: 'http://hl7.org/fhir/sid/icd-10',
        target: 'http://snomed.info/sct',
        element: [{ code: 'I10', target }],
      },
    ],
  };
  const loaded = await asking.of(
    'POST /api/terms/code-maps',
    world.http
      .post('/api/terms/code-maps')
      .set('authorization', admin.authorization)
      .type('application/fhir+json')
      .send(JSON.stringify(codes)),
  );
  await ask('GET /api/terms/code-maps');
  await ask('DELETE /api/terms/code-maps/{id}', { id: Id.parse(loaded.body).id });
});

it('images', async () => {
  const study = freshUid();
  const files = [makeInstance({ studyUid: study }), makeInstance({ studyUid: study })];
  const { type, body } = multipartOf(files);
  const sent = world.http.post('/dicom-web/studies').set('content-type', type).send(body);
  await asking.of('POST /dicom-web/studies', sent.set('authorization', admin.authorization));
  const ids = { study };
  const { body: found } = await ask('GET /dicom-web/studies/{study}/instances', ids);
  const Found = z.array(z.record(z.string(), z.looseObject({ Value: z.array(z.unknown()).optional() })));
  const value = (tag: string) => String(Found.parse(found)[0]?.[tag]?.Value?.[0]);
  const all = { ...ids, series: value('0020000E'), instance: value('00080018'), frames: '1' };
  const instance = '/dicom-web/studies/{study}/series/{series}/instances/{instance}';
  const archives = ['', '/series/{series}', '/series/{series}/instances/{instance}'].map(
    (below) => `/api/studies/{study}${below}/archive`,
  );
  for (const path of archives) await ask(`HEAD ${path}`, all);
  for (const path of [
    '/api/me/studies/{study}',
    '/api/studies',
    '/api/studies/modalities',
    '/api/studies/{study}',
    '/api/studies/{study}/timeline',
    ...archives,
    '/dicom-web/studies',
    '/dicom-web/studies/{study}',
    '/dicom-web/studies/{study}/metadata',
    '/dicom-web/studies/{study}/thumbnail',
    instance,
    `${instance}/metadata`,
    `${instance}/rendered`,
    `${instance}/frames/{frames}`,
  ])
    await ask(`GET ${path}`, all);
  const query = { requestType: 'WADO', studyUID: study, seriesUID: all.series, objectUID: all.instance };
  await ask('GET /wado', {}, { query });
  await ask('GET /wado', {}, { query: { ...query, contentType: 'application/dicom' } });
  expect(JSON.stringify(document.paths['/wado']?.['get']?.responses)).not.toContain('multipart/related');
  for (const path of ['/dicom-web/studies', '/dicom-web/studies/{study}/metadata'])
    await ask(`GET ${path}`, ids, { query: { accept: 'application/json' } });
  const nothing = { PatientID: 'nobody', accept: 'multipart/related; type="application/dicom+xml"' };
  const { status } = await ask('GET /dicom-web/studies', {}, { query: nothing });
  expect(status).toBe(204);
  await ask(`DELETE ${instance}`, all);
  const listed = await ask('GET /api/rejected');
  const rejection = z.looseObject({ items: z.array(z.looseObject({ id: z.string() })) }).parse(listed.body);
  const id = { id: rejection.items[0]?.id ?? '' };
  await ask('GET /api/rejected/{id}', id);
  await ask('POST /api/rejected/{id}/restore', id);
  const { body: held } = await ask(
    'POST /api/holds',
    {},
    { body: { study_uid: '1.2.3', reason: 'A test.' } },
  );
  await ask('GET /api/holds');
  await ask('DELETE /api/holds/{id}', { id: z.looseObject({ id: z.string() }).parse(held).id });
});

it('uploads', async () => {
  const file = await pngOf();
  const send = () =>
    asking.of(
      'POST /api/uploads',
      world.http
        .post('/api/uploads')
        .query({ patient_id: 'P-told' })
        .set('authorization', admin.authorization)
        .set('content-type', 'image/png')
        .send(file),
    );
  await send();
  const { body } = await send();
  const { upload_id: id } = z.looseObject({ upload_id: z.uuid() }).parse(body);
  await ask('GET /api/uploads/{id}', { id });
  const me = z.looseObject({ account: Id }).parse((await ask('GET /api/me')).body);
  await ask('GET /api/users/{user}/uploads', { user: me.account.id });
  await ask('GET /api/uploads/{id}/original', { id });
  await ask('POST /api/uploads/{id}/assign', { id }, { body: { user_id: me.account.id } });
  await ask('DELETE /api/uploads/{id}', { id });
});

/**
 * Routes that succeed only with an OpenID Connect provider, with a FHIR server, or with two patients that have the same study UID. Other
 * tests cover these routes.
 */
const ELSEWHERE = new Set([
  'GET /api/auth/oidc/callback',
  'GET /api/auth/oidc/login',
  'GET /api/imports/{id}/events',
  'GET /api/quarantine/{id}',
  'GET /api/quarantine/{id}/sides',
  'POST /api/imports/reviews/{id}/decide',
  'POST /api/imports/reviews/{id}/undo',
  'POST /api/imports/{id}/cancel',
  'POST /api/imports/{id}/commit',
  'POST /api/imports/{id}/retry',
  'POST /api/imports/{id}/undo',
  'POST /api/quarantine/{id}/decide',
  'POST /api/rejected/{id}/purge',
]);

it('has tested the success of every route outside /dicom-web', () => {
  const met = new Set(
    [...asking.asked].filter((one) => / 2\d\d$/.test(one)).map((one) => one.replace(/ \d+$/, '')),
  );
  const left = Object.entries(document.paths)
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
    .filter((route) => !route.includes('/dicom-web') && !met.has(route));
  expect(left.filter((route) => !ELSEWHERE.has(route))).toEqual([]);
});
