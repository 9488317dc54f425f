import { readdir } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWorld, type World } from '../support/world.ts';
import { pdfOf } from './upload.files.ts';
import { type Bringer, bringer, newPatient } from './upload.world.ts';

let world: World;
let lee: Bringer;
beforeAll(async () => {
  world = await startWorld({ KEEP_ORIGINALS: 'true' });
  lee = await bringer(world);
}, 120_000);
afterAll(() => world?.stop());

const names = async () => (await readdir(`${world.gateway.env['DATA_DIR']}/uploads`)).toSorted();

it('a kept original is the file as it was sent, is encrypted on disk, and goes with its record', async () => {
  const file = pdfOf();
  const report = await lee.stored(file, { patient_id: newPatient() }, "Ida's letter.pdf");
  const path = `/api/uploads/${report.upload_id}/original`;
  const answer = await lee.get(path).responseType('blob').expect(200);
  expect(file.equals(answer.body)).toBe(true);
  expect(answer.headers['content-disposition']).toBe("attachment; filename*=UTF-8''Ida%27s%20letter.pdf");
  expect(await names()).toHaveLength(1);
  const other = await bringer(world);
  await other.get(path).expect(404);
  await lee.delete(`/api/uploads/${report.upload_id}`).expect(204);
  expect(await names()).toEqual([]);
});

it('an administrator moves an upload to the list of another account', async () => {
  const report = await lee.stored(pdfOf(), { patient_id: newPatient() });
  const other = await bringer(world);
  const admin = await world.admin();
  const assign = (user_id: string, authorization: string) =>
    world.http
      .post(`/api/uploads/${report.upload_id}/assign`)
      .set('authorization', authorization)
      .send({ user_id });
  await assign(other.caller.id, lee.caller.authorization).expect(403);
  await assign(randomUUID(), admin.authorization).expect(422);
  await assign(other.caller.id, admin.authorization).expect(200);
  await other.get(`/api/uploads/${report.upload_id}`).expect(200);
  await lee.get(`/api/uploads/${report.upload_id}`).expect(404);
});

it('the statistics count uploads', async () => {
  await lee.stored(pdfOf(), { patient_id: newPatient() });
  const admin = await world.admin();
  const { body } = await world.http.get('/api/stats').set('authorization', admin.authorization).expect(200);
  expect(body.uploads).toMatchObject({ users: 1, by_type: { pdf: body.uploads.total } });
  expect(body.uploads.bytes).toBeGreaterThan(100);
  expect(Object.values(body.uploads.by_day)).toEqual([body.uploads.total]);
});

it('a restart ends an interrupted upload of an earlier hour', async () => {
  const report = await lee.stored(pdfOf(), { patient_id: newPatient() });
  await world.sql`update uploads set state = 'storing', created_at = now() - interval '2 hours' where id = ${report.upload_id}`;
  const again = await world.secondGateway();
  try {
    const state = async () =>
      (await world.sql`select state from uploads where id = ${report.upload_id}`)[0]?.['state'];
    await expect.poll(state).toBe('stored');
  } finally {
    await again.stop();
  }
});
