import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { OwnOrthanc } from '../support/archives.ts';
import { startTestOrthanc } from '../support/neighbours.ts';
import { deeplyNested } from './nested.object.ts';

let orthanc: OwnOrthanc;
beforeAll(async () => {
  orthanc = await startTestOrthanc();
});
afterAll(async () => {
  await orthanc.stop();
});

const call = (path: string, init?: RequestInit) => {
  const account = Buffer.from(`${orthanc.username}:${orthanc.password}`).toString('base64');
  return fetch(`${orthanc.url}${path}`, { ...init, headers: { authorization: `Basic ${account}` } });
};

it('is the version this project is made for, with DICOMweb and GDCM', async () => {
  expect(await (await call('/system')).json()).toMatchObject({ Version: '1.12.7', DicomAet: orthanc.aet });
  expect(await (await call('/plugins/dicom-web')).json()).toMatchObject({ Version: '1.20' });
  expect(await (await call('/plugins')).json()).toContain('gdcm');
});

it('requires its password', async () => {
  expect((await fetch(`${orthanc.url}/system`)).status).toBe(401);
});

it('listens on loopback only, for HTTP and for DICOM', async () => {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const outside = all.filter(({ family, internal }) => family === 'IPv4' && !internal);
  const http = Number(new URL(orthanc.url).port);
  // On a machine without a network, the test uses a second loopback address instead of a network address.
  for (const { address } of [...outside, { address: '127.0.0.2' }])
    for (const port of [http, orthanc.dicomPort]) expect(await connects(address, port)).toBe(false);
  expect(await connects('127.0.0.1', orthanc.dicomPort)).toBe(true);
});

it('survives an object whose sequences are nested 1,000 deep', async () => {
  const answer = await call('/instances', { method: 'POST', body: deeplyNested(1000) });
  expect(answer.status).toBe(200);
  expect((await call('/system')).status).toBe(200);
});

it('keeps what it acknowledged through a kill -9', async () => {
  await call('/instances', { method: 'POST', body: deeplyNested(1) });
  const before: unknown = await (await call('/instances')).json();
  await orthanc.kill();
  await orthanc.restart();
  expect(await (await call('/instances')).json()).toEqual(before);
});

function connects(host: string, port: number): Promise<boolean> {
  const socket = connect(port, host);
  return new Promise((resolve) => {
    const answer = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}
