import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import { startTestGateway } from '../support/gateway.ts';
import { isLong, longForm } from '../support/long.form.ts';
import { type Person, startOwnWorld, type OwnWorld } from '../support/world.ts';
import { registerWadoDisconnect } from './wado.disconnect.scenarios.ts';
import { StandIn } from './wado.stand-in.ts';

const study = freshUid();
const small = { series: freshUid(), sop: freshUid() };
const large = { series: freshUid(), sop: freshUid() };
const smallSeries = `/studies/${study}/series/${small.series}`;
const smallOne = `${smallSeries}/instances/${small.sop}`;
const largeOne = `/studies/${study}/series/${large.series}/instances/${large.sop}`;

let world: OwnWorld;
let archive: StandIn;
let reader: Person;
beforeAll(async () => {
  archive = await new StandIn().start();
  world = await startOwnWorld({ ORTHANC_URL: archive.url });
  archive.target = world.orthanc.url;
  const base = { studyUid: study, patientName: 'Retrieved^Person', patientId: 'TROUBLE-1' };
  const slices = Array.from({ length: 20 }, (_, index) =>
    makeInstance({
      ...base,
      seriesUid: small.series,
      sopUid: index === 0 ? small.sop : freshUid(),
      instanceNumber: index + 1,
      rows: 512,
      columns: 512,
      extra: [element('7FE00010', 'OW', Buffer.alloc(512 * 512 * 2, index))],
    }),
  );
  const huge = makeInstance({
    ...base,
    seriesUid: large.series,
    sopUid: large.sop,
    rows: 4096,
    columns: 4096,
    extra: [element('7FE00010', 'OW', Buffer.alloc(4096 * 4096 * 2, 5))],
  });
  const sender = await world.machine();
  await world.store(sender, slices).expect(200);
  await world.store(sender, [huge]).expect(200);
  reader = await world.radiologist(study);
});
beforeEach(() => {
  archive.fault = 'none';
});
afterAll(async () => {
  await world?.stop();
  archive?.stop();
});

const get = (path: string, accept = '*/*') =>
  fetch(`${world.gateway.url}${path.startsWith('/api/') ? '' : '/dicom-web'}${path}`, {
    headers: { authorization: reader.authorization, accept },
  });

/** A client that sends a request and does not read the response. */
async function stalled(path: string, count: number): Promise<Socket[]> {
  const { hostname, port } = new URL(world.gateway.url);
  return Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect(Number(port), hostname).on('error', () => undefined);
      await new Promise((resolve) => socket.once('connect', resolve));
      socket.pause();
      socket.write(
        `GET ${path.startsWith('/api/') ? '' : '/dicom-web'}${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${reader.authorization}\r\n\r\n`,
      );
      return socket;
    }),
  );
}

async function expectAway(answer: Response): Promise<void> {
  expect(answer.status).toBe(503);
  expect(answer.headers.get('retry-after')).toBe('5');
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(await answer.text()).not.toMatch(/Retrieved|TROUBLE|127\.0\.0\.1/);
}

const everything = [
  smallOne,
  `${smallOne}/frames/1`,
  `${smallOne}/metadata`,
  `${smallOne}/bulk/7FE00010`,
  smallSeries,
  `${smallSeries}/metadata`,
  `/studies/${study}`,
  largeOne,
  `${smallOne}/rendered`,
  `${smallOne}/thumbnail`,
  `${smallSeries}/rendered`,
  `/api${smallSeries}/archive`,
  `/api${largeOne}/archive`,
];

describe('an archive that', () => {
  it.each(everything)('refuses, or hangs up, makes %s a 503', async (path) => {
    archive.fault = 'refuses';
    await expectAway(await get(path));
    archive.fault = 'away';
    await expectAway(await get(path));
  });

  it.each(everything)('cuts an answer short never makes a clean end of %s', async (path) => {
    archive.fault = 'cuts';
    const answer = await get(path);
    if (answer.status === 503) return expectAway(answer);
    expect(answer.status).toBe(200);
    await expect(answer.arrayBuffer()).rejects.toThrow('terminated');
  });

  it.each([smallOne, largeOne])(
    'does so to %s in another transfer syntax: no clean end either',
    async (path) => {
      const implicit = 'application/dicom; transfer-syntax=1.2.840.10008.1.2';
      archive.fault = 'refuses';
      await expectAway(await get(path, implicit));
      archive.fault = 'cuts';
      const answer = await get(path, implicit);
      if (answer.status === 503) return expectAway(answer);
      expect(answer.status).toBe(200);
      await expect(answer.arrayBuffer()).rejects.toThrow('terminated');
    },
  );

  it.each([smallSeries, `/api${smallSeries}/archive`])(
    'dies in the middle of %s breaks it off',
    async (path) => {
      const answer = await get(path);
      archive.fault = 'away';
      expect(answer.status).toBe(200);
      await expect(answer.arrayBuffer()).rejects.toThrow('terminated');
    },
  );

  // `npm test` checks the same limit of 20 s in test/orthanc/transport.test.ts.
  if (isLong)
    it('does not answer is abandoned after 20 s', async () => {
      archive.fault = 'stalls';
      await expectAway(await get(`${smallOne}/frames/1`));
    });
});

describe('readers', () => {
  it.each([largeOne, smallSeries, `${smallSeries}/metadata`, `/api${largeOne}/archive`])(
    'that disconnect during %s free the archive at once',
    async (path) => {
      const sockets = await stalled(path, longForm(60, 30));
      await expect.poll(() => archive.connections()).toBeGreaterThan(0);
      for (const socket of sockets) socket.destroy();
      await expect.poll(() => archive.connections(), { timeout: 5000 }).toBeLessThanOrEqual(2);
      expect((await get(`${largeOne}/frames/1`)).status, 'a place for large reads is free').toBe(200);
    },
  );

  it('that do not read, sixty at once, block neither archive nor gateway', async () => {
    const sockets = [...(await stalled(smallSeries, 60)), ...(await stalled(largeOne, 60))];
    try {
      await expect.poll(() => archive.connections()).toBeGreaterThan(0);
      for (let turn = 0; turn < longForm(5, 2); turn += 1) {
        expect((await get(`${smallOne}/frames/1`)).status).toBe(200);
        expect((await get('/studies')).status).toBe(200);
        expect((await world.archive('/system')).status).toBe(200);
      }
      expect(await archive.connections()).toBeLessThanOrEqual(42);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });
});

registerWadoDisconnect(() => ({ world, archive }));

it('a stopped archive is a 503 for reads, and searches go on', async () => {
  const { PORT: _, DATA_DIR: __, ...env } = world.gateway.env;
  const gateway = await startTestGateway({ ...env, ORTHANC_URL: world.orthanc.url });
  try {
    await world.orthanc.stop();
    const headers = { authorization: reader.authorization };
    await expectAway(await fetch(`${gateway.url}/dicom-web${smallOne}`, { headers }));
    const found = await fetch(`${gateway.url}/dicom-web/studies`, { headers });
    expect(found.status).toBe(200);
    const ready = await fetch(`${gateway.url}/health/ready`);
    expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('"orthanc":"away"')]);
  } finally {
    await gateway.leave();
  }
});
