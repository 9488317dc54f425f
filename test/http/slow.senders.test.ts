import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { longForm } from '../support/long.form.ts';
import { multipartOf } from '../support/stow.body.ts';
import { type Caller, startWorld, type World } from '../support/world.ts';
import { registerLeftBodies } from './left.bodies.scenarios.ts';
import { registerUnknownNames } from './unknown.names.scenarios.ts';

/** More than the gateway has slots for large uploads and connections to the database. */
const SENDERS = longForm(50, 20);
/** Bodies that never become complete. The gateway waits for each of them for 20 seconds, so all requests begin before the first test. */
const UNFINISHED = {
  'a JSON body': { path: '/api/auth/login', type: 'application/json', length: 5000, body: '{' },
  'a known path': { path: '/dicom-web/studies', type: 'application/dicom', length: 3e9, body: 'beginning' },
  'a path that cannot be read': {
    path: '/dicom-web/%zz',
    type: 'application/dicom',
    length: 3e9,
    body: 'beginning',
  },
} as const;
type Unfinished = keyof typeof UNFINISHED;

let world: World;
let slow: Caller;
let other: Caller;
const open: Socket[] = [];
let unfinished: Readonly<Record<Unfinished, Sending>>;
beforeAll(async () => {
  // No server listens at this URL. Without a configured FHIR server, the gateway would refuse the upload.
  world = await startWorld({ FHIR_BASE_URL: 'http://127.0.0.1:1/fhir' });
  const all = { rights: ['studies:store', 'studies:read'], scope: { kind: 'all' } };
  slow = await world.machine([all]);
  other = await world.machine([all]);
  unfinished = {
    'a JSON body': unfinishedOf('a JSON body'),
    'a known path': unfinishedOf('a known path'),
    'a path that cannot be read': unfinishedOf('a path that cannot be read'),
  };
});
afterAll(async () => {
  for (const socket of open) socket.destroy();
  await world?.stop();
});

/** A connection with the text that has been received so far. */
interface Sending {
  readonly answer: () => string;
  readonly closed: () => boolean;
  readonly socket: Socket;
}

/** Sends the beginning of a request and keeps the connection open. */
function begin(text: string | Buffer): Sending {
  const { hostname, port } = new URL(world.gateway.url);
  const socket = connect(Number(port), hostname);
  let got = '';
  socket.on('data', (chunk: Buffer) => (got += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  socket.write(text);
  open.push(socket);
  return { answer: () => got, closed: () => socket.closed, socket };
}

function unfinishedOf(name: Unfinished): Sending {
  const { path, type, length, body } = UNFINISHED[name];
  return begin(post(path, [`Content-Type: ${type}`, `Content-Length: ${length}`], body));
}

function post(path: string, headers: readonly string[], body: string | Buffer): Buffer {
  const head = [`POST ${path} HTTP/1.1`, 'Host: x', ...headers, '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

it(`${SENDERS} senders each of a head, a JSON body, a file and a list, all stalled, keep nobody else waiting`, async () => {
  const authorization = `Authorization: ${slow.authorization}`;
  const { type, body } = multipartOf([makeInstance()]);
  const stalled = Array.from({ length: SENDERS }, () => [
    begin('GET /dicom-web/studies HTTP/1.1\r\nHost: x\r\nX-'),
    begin(post('/api/auth/login', ['Content-Type: application/json', 'Content-Length: 5000'], '{"username":')),
    begin(post('/dicom-web/studies', [authorization, 'Content-Type: application/dicom', 'Content-Length: 3000000000'], makeInstance().subarray(0, 500))),
    begin(post('/dicom-web/studies', [authorization, `Content-Type: ${type}`, 'Content-Length: 3000000000'], body.subarray(0, body.length - 20))),
    begin(post('/api/imports', [authorization, 'Content-Type: multipart/form-data; boundary=B', 'Content-Length: 90000'], '--B\r\n')),
  ]).flat(); // prettier-ignore
  for (let turn = 0; turn < longForm(5, 2); turn += 1) {
    await world.store(other, [makeInstance()]).expect(200);
    await world.get(other, '/studies').expect(200);
    await world.http.get('/health/live').expect(200);
    expect(await world.signIn('admin', world.adminPassword)).toMatch(/^Bearer /);
  }
  // The gateway must not acknowledge an incomplete request. Imports are refused immediately, because the account has no right to import.
  expect(stalled.filter(({ answer }) => answer().startsWith('HTTP/1.1 2'))).toEqual([]);
  expect(stalled.filter(({ answer }) => answer().startsWith('HTTP/1.1 403')).length).toBe(SENDERS);
  // When the clients disconnect, the gateway removes their reservations.
  for (const { socket } of stalled) socket.destroy();
  await expect.poll(async () => (await world.sql`select from pending`).length, { timeout: 10_000 }).toBe(0);
});

it('a body shorter than its Content-Length is never complete', async () => {
  const file = makeInstance();
  const before = await world.sql`select from instances`;
  for (const [type, sent] of [
    ['application/dicom', file],
    [multipartOf([]).type, multipartOf([file]).body.subarray(0, -4)],
  ] as const) {
    const headers = [
      `Authorization: ${slow.authorization}`,
      `Content-Type: ${type}`,
      `Content-Length: ${sent.length + 1}`,
    ];
    const { answer, socket } = begin(post('/dicom-web/studies', headers, sent));
    socket.end();
    await expect.poll(() => socket.closed, { timeout: 10_000 }).toBe(true);
    expect(answer()).not.toMatch(/^HTTP\/1\.1 2/);
  }
  // The time limit is shorter than the lifetime of a reservation.
  await expect.poll(async () => (await world.sql`select from pending`).length, { timeout: 10_000 }).toBe(0);
  expect(await world.sql`select from instances`).toHaveLength(before.length);
});

// These scenarios need the same settings of the gateway. They run while the gateway waits for the unfinished bodies.
registerUnknownNames(() => world);
registerLeftBodies(() => world);

it('a JSON body that does not come is given up on, though nobody is known behind it', async () => {
  const { answer, closed } = unfinished['a JSON body'];
  await expect.poll(closed, { timeout: 28_000, interval: 100 }).toBe(true);
  expect(answer()).not.toMatch(/^HTTP\/1\.1 [25]/);
});

it.each([
  ['a known path', 401],
  ['a path that cannot be read', 400],
] as const)('the rest of a refused body that does not come is given up on: %s', async (path, status) => {
  const { answer, closed } = unfinished[path];
  await expect.poll(answer).toMatch(new RegExp(`^HTTP/1.1 ${status}`));
  await expect.poll(closed, { timeout: 28_000, interval: 100 }).toBe(true);
});
