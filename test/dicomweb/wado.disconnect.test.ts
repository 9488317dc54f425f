import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import { type Person, startWorld, type World } from '../support/world.ts';
import { StandIn } from './wado.stand-in.ts';

/** The number of concurrent large transfers of one account. */
const PLACES = 16;
const [study, series, instance] = [freshUid(), freshUid(), freshUid()];
const busy = freshUid();
const seriesPath = `/dicom-web/studies/${study}/series/${series}`;
const instancePath = `${seriesPath}/instances/${instance}`;

const pixels = (size: number) => ({
  rows: size,
  columns: size,
  extra: [element('7FE00010', 'OW', Buffer.alloc(size * size * 2, 3))],
});

let world: World;
let archive: StandIn;
let reader: Person;
let orthancId: string;
beforeAll(async () => {
  archive = await new StandIn().start();
  world = await startWorld({ ORTHANC_URL: archive.url });
  archive.target = world.orthanc.url;
  const files = [
    makeInstance({ studyUid: study, seriesUid: series, sopUid: instance, ...pixels(1024) }),
    makeInstance({ studyUid: busy, ...pixels(4096) }),
  ];
  await world.store(await world.machine(), files).expect(200);
  reader = await world.radiologist(study, busy);
  const [row] = await world.sql`select orthanc_id from instances where sop_uid = ${instance}`;
  orthancId = z.object({ orthanc_id: z.string() }).parse(row).orthanc_id;
});
afterAll(async () => {
  await world?.stop();
  archive?.stop();
});

/** Sends a request and does not read the answer. */
function stalled(path: string): Socket {
  const { hostname, port } = new URL(world.gateway.url);
  const socket = connect(Number(port), hostname).on('error', () => undefined);
  socket.pause();
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${reader.authorization}\r\n\r\n`);
  return socket;
}

/** Sends a request that `signal` can abort. */
function ask(path: string, signal: AbortSignal, accept = '*/*'): Promise<Response> {
  const headers = { authorization: reader.authorization, accept };
  return fetch(`${world.gateway.url}${path}`, { headers, signal });
}

let slow: Socket[] = [];
const letGo = () => slow.forEach((socket) => socket.destroy());
/** Takes all slots of the account with downloads whose client does not read the response. */
beforeEach(async () => {
  archive.paths.length = 0;
  slow = Array.from({ length: PLACES }, () => stalled(`/dicom-web/studies/${busy}`));
  const files = () => archive.paths.filter((path) => path.endsWith('/file')).length;
  await expect.poll(files, { timeout: 20_000 }).toBe(PLACES);
});
afterEach(letGo);

it.each([
  ['a study', `/dicom-web/studies/${study}`, 'multipart/related; type="application/dicom"'],
  ['a series', seriesPath, 'multipart/related; type="application/dicom"'],
  ['an instance', instancePath, 'application/dicom'],
  [
    'an instance in another transfer syntax',
    instancePath,
    'application/dicom; transfer-syntax=1.2.840.10008.1.2',
  ],
  ['a frame', `${instancePath}/frames/1`, 'application/octet-stream'],
  [
    'a WADO-URI object',
    `/wado?requestType=WADO&studyUID=${study}&seriesUID=${series}&objectUID=${instance}&contentType=application/dicom`,
    '*/*',
  ],
])('a download of %s leaves the queue when its client disconnects', async (_, path, accept) => {
  const left = new AbortController();
  const asked = ask(path, left.signal, accept).catch(() => 'left');
  // The request waits now, because all slots are taken.
  await sleep(1000);
  left.abort();
  expect(await asked).toBe('left');
  // The gateway notices the closed connection.
  await sleep(1500);
  archive.paths.length = 0;
  letGo();
  // If the aborted request were still in the queue, the gateway would serve it before the next request.
  const next = await ask(`/dicom-web/studies/${busy}`, AbortSignal.timeout(20_000));
  expect(next.status).toBe(200);
  await next.arrayBuffer();
  expect(archive.paths.filter((asked) => asked.includes(orthancId))).toEqual([]);
});
