import { afterAll, beforeAll, expect, it } from 'vitest';
import { request } from 'undici';
import { z } from 'zod';
import { isLong, longForm } from '../support/long.form.ts';
import { multipartOf } from '../support/stow.body.ts';
import { startWorld, type World } from '../support/world.ts';
import { type Credential, credentialsOf } from './matrix.accounts.ts';
import { type Answer, ask, type Cell, cellsOf, expected, takesAway } from './matrix.asking.ts';
import {
  allCanaries,
  anotherOf,
  chains,
  foreignCanaries,
  furnish,
  lateCanaries,
  type Held,
} from './matrix.objects.ts';
import { type Principal, principals } from './matrix.people.ts';
import { type Row, table } from './matrix.table.ts';

/** Code that prints each route when Fastify registers the route (diagnostics channel). */
const TELL_ROUTES = `
  import { subscribe } from 'node:diagnostics_channel';
  subscribe('fastify.initialization', ({ fastify }) => fastify.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat()) console.log(JSON.stringify({ told: each + ' ' + url }));
  }));`;
/** Concurrent requests. */
const AT_ONCE = 8;
const Told = z.object({ told: z.string() });

let world: World;
let credentials: Credential[];
beforeAll(async () => {
  const preload = `--import=data:text/javascript,${encodeURIComponent(TELL_ROUTES)}`;
  world = await startWorld({ NODE_OPTIONS: preload, METRICS_TOKEN: '' });
  const remover = await world.machine([{ rights: ['studies:delete'], scope: { kind: 'all' } }]);
  await furnish(world, await world.machine(), remover);
  credentials = await credentialsOf(world);
}, 120_000);
afterAll(() => world?.stop());

it('the table has each route of the running gateway, once', async () => {
  const told = (await world.gateway.logged())
    .split('\n')
    .filter((line) => line.startsWith('{"told"'))
    .map((line) => Told.parse(JSON.parse(line)).told);
  const known = table.map(({ route }) => route);
  const missing = told.filter((route) => !known.includes(route));
  const gone = known.filter((route) => !told.includes(route));
  expect(told.length).toBeGreaterThan(50);
  expect({ missing, gone, twice: known.filter((route, at) => known.indexOf(route) !== at) }).toEqual({
    // `missing` has the routes without a row in test/authz/matrix.table.ts. For such a route, add a row with its rights and its answer.
    missing: [],
    gone: [],
    twice: [],
  });
});

/** The fault of a response, as a line of the report. */
function faultOf(cell: Cell, answer: Answer): string | undefined {
  const { row, credential, thing } = cell;
  const asked = `${credential.principal} by ${credential.form}: ${row.route} of ${thing ?? 'nothing'}`;
  const wanted = expected(cell);
  if (answer.status !== wanted) return `${asked} is ${answer.status}, not ${wanted}`;
  const { may }: Principal = principals[credential.principal];
  const seesForeign = may['studies:read']?.includes('foreign') === true;
  if (row.tells === true && wanted === 200) return undefined;
  const text = `${JSON.stringify(answer.headers)}${answer.body}`;
  const canary = [...lateCanaries, ...(seesForeign ? [] : foreignCanaries)].find((each) =>
    text.includes(each),
  );
  return canary === undefined ? undefined : `${asked} tells ${canary}`;
}

async function askAll(cells: readonly Cell[], seen: (cell: Cell, answer: Answer) => void): Promise<void> {
  const waiting = cells.values();
  const work = async () => {
    for (const cell of waiting) seen(cell, await ask(world, cell));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

it('every route answers every principal as the table says, and refusals are equal to the byte', async () => {
  const all = table.flatMap((row, at) => cellsOf(row, at, credentials, isLong));
  const cells = all.filter((cell) => !takesAway(cell));
  expect(cells.length).toBeGreaterThan(longForm(10_000, 1000));
  const faults: string[] = [];
  const refusals = new Map<string, Set<string>>();
  await askAll(cells, (cell, answer) => {
    const fault = faultOf(cell, answer);
    if (fault !== undefined) faults.push(fault);
    if (![401, 403, 404].includes(answer.status)) return;
    // With a session cookie, WWW-Authenticate names only Bearer.
    const challenge = answer.status === 401 ? cell.credential.form === 'session cookie' : '';
    // A response to HEAD has no body.
    const kind = `${cell.row.route.startsWith('HEAD ') ? 'HEAD ' : ''}${answer.status} ${challenge}`;
    refusals.set(kind, (refusals.get(kind) ?? new Set()).add(JSON.stringify(answer)));
  });
  expect(faults.slice(0, 40)).toEqual([]);
  for (const [kind, bodies] of refusals) expect([kind, [...bodies]]).toEqual([kind, [expect.any(String)]]);
  const kinds = ['401 false', '401 true', '403 ', '404 '];
  expect([...refusals.keys()].sort()).toEqual([...kinds, ...kinds.map((kind) => `HEAD ${kind}`)]);
}, 180_000);

/** All credentials in the long form. In `npm test`, one of each principal, of changing forms. */
function someCredentials(): Credential[] {
  if (isLong) return credentials;
  const byPrincipal = [...Map.groupBy(credentials, ({ principal }) => principal).values()];
  return byPrincipal.flatMap((forms, at) => forms[at % forms.length] ?? []);
}

const Found = z.array(z.record(z.string(), z.object({ Value: z.array(z.unknown()).optional() })));

it('searches find what each principal may see, all of it and nothing else', async () => {
  for (const credential of someCredentials()) {
    const { may }: Principal = principals[credential.principal];
    const visible: readonly Held[] | undefined = may['studies:read'];
    if (visible === undefined) continue;
    for (const level of [
      'studies',
      'series',
      'instances',
      'studies?includefield=all',
      'instances?includefield=all',
    ]) {
      const headers = credential.headers('GET');
      const answer = await fetch(`${world.gateway.url}/dicom-web/${level}`, { headers });
      const text = await answer.text();
      // No result may contain attributes of the second patient, although the archive has an image of this patient.
      expect(lateCanaries.filter((canary) => text.includes(canary))).toEqual([]);
      const found = Found.parse(JSON.parse(text)).map((item) => String(item['0020000D']?.Value?.[0]));
      const wanted = visible.map((held) => chains[held].study).sort();
      expect([credential.principal, level, found.sort()]).toEqual([credential.principal, level, wanted]);
      expect(answer.headers.get('x-total-count')).toBe(String(wanted.length));
    }
  }
});

it('each image is stored for the principals of the table; a refusal reveals nothing about existing objects', async () => {
  const refusals = new Set<string>();
  for (const credential of someCredentials()) {
    const { known, may }: Principal = principals[credential.principal];
    const row = table.find(({ route }) => route === 'POST /dicom-web/studies');
    const rights = typeof row?.opens === 'object' ? row.opens : [];
    const enters = rights.some((right) => may[right] !== undefined);
    for (const held of ['own', 'foreign', 'shared', 'contested', 'new'] as const) {
      const { file, sop } = anotherOf(held);
      const { type, body } = multipartOf([file]);
      const headers = { ...credential.headers('POST'), 'content-type': type };
      const answer = await request(`${world.gateway.url}/dicom-web/studies`, {
        method: 'POST',
        headers,
        body,
      });
      const text = (await answer.body.text()).replaceAll(sop, 'SOP');
      const everywhere = ['modality', 'administrator'].includes(credential.principal);
      const covered = held === 'new' ? everywhere : may['studies:store']?.includes(held) === true;
      const wanted = !known ? 401 : !enters ? 403 : covered ? 200 : 409;
      const who = [credential.principal, credential.form, held];
      expect([...who, answer.statusCode]).toEqual([...who, wanted]);
      if (wanted === 409) refusals.add(text);
    }
  }
  // The failure reason is 0x0124 both for a study of another group and for a new study.
  expect([...refusals]).toEqual([expect.stringContaining('292')]);
}, 60_000);

async function remove(row: Row, credential: Credential): Promise<number> {
  return (await ask(world, { row, credential, thing: 'own' })).status;
}

it('a principal with studies:delete deletes the objects in scope, and they are gone for everybody', async () => {
  const removers = credentials.filter(({ principal }) => principal === 'remover');
  const [one, other] = removers;
  const [instance, series, study] = table.filter(({ route }) => route.startsWith('DELETE /dicom-web/'));
  if (!one || !other || !instance || !series || !study) throw new Error('nobody removes');
  expect(await remove(instance, one)).toBe(204);
  // The deleted instance was the only instance of its series. The study has further instances from the tests above.
  expect(await remove(series, other)).toBe(404);
  expect(await remove(study, other)).toBe(204);
  for (const credential of removers) expect(await remove(study, credential)).toBe(404);
  const read = table.filter(({ route }) => route.startsWith('GET /dicom-web/studies/:study'));
  for (const credential of credentials.filter(({ principal }) => principal === 'administrator'))
    for (const row of read) expect((await ask(world, { row, credential, thing: 'own' })).status).toBe(404);
});

it('no line of the log, and no metric, names a patient or a study', async () => {
  const told = await world.gateway.logged();
  expect(told.length).toBeGreaterThan(10_000);
  const metrics = await fetch(`${world.gateway.url}/metrics`);
  const text = `${told}${await metrics.text()}`;
  expect(allCanaries.filter((canary) => text.includes(canary))).toEqual([]);
});
