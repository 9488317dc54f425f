import { randomUUID } from 'node:crypto';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { testHapi, type TestHapi } from '../support/hapi.ts';
import { startWorld, type World } from '../support/world.ts';
import { Clerk, holdingLock } from './import.world.ts';
import { cpfOf, list, row } from './lists.ts';

const HOUR = 3_600_000;
/** Longer than any wait. If the condition is never met, the timeout of the test ends the wait. */
const PATIENTLY = { timeout: 120_000 };
const Terms = z.object({ items: z.array(z.object({ id: z.string(), word: z.string() })) });

let hapi: TestHapi;
let world: World;
/** Adds a job that has failed ten times. A gateway reads the queue of such jobs every five seconds. */
const bury = (data: Readonly<Record<string, string>>) =>
  world.sql`insert into queue.job_common (name, data) values ('dead', ${world.sql.json(data)})`;
/** The import whose undo has failed ten times. */
const dead = randomUUID();
beforeAll(async () => {
  hapi = await testHapi();
  world = await startWorld({ FHIR_BASE_URL: hapi.url });
  await world.sql`
    insert into imports (id, account_name, sha256, bytes, mapping, mode, status, undoing)
    select ${dead}, 'somebody', '', 1, id, 'commit', 'completed', 'asked' from mappings limit 1`;
  await bury({ import_id: dead });
}, 200_000);
afterAll(() => world?.stop());

/** Runs `work` while this session has the lock that a running import has. */
const asUnderWay = (id: string, work: (isWaited: () => Promise<boolean>) => Promise<void>) =>
  holdingLock(world, `import ${id}`, work, true);

/**
 * Starts another gateway with the same data folder. After its start, the new gateway deletes unneeded files. When the files are deleted,
 * the new gateway is stopped.
 */
async function passingGateway(isSeen: () => Promise<void>): Promise<void> {
  const { PORT: _, ...env } = world.gateway.env;
  const other = await startTestGateway(env);
  try {
    await isSeen();
  } finally {
    await other.leave();
  }
}

const isOver = (clerk: Clerk, id: string) =>
  expect.poll(async () => (await clerk.report(id))['finished_at'], PATIENTLY).not.toBeNull();
const patients = (clerk: Clerk) => hapi.count(`Patient?identifier=${clerk.system}|`);

/** Imports a row with an unknown word. Returns the word's id and the import, which waits for a decision about the word. */
const wordOf = async (clerk: Clerk) => {
  const word = `palavra ${clerk.mapping.slice(5)}`;
  const done = await clerk.import(list(row(cpfOf(5), { note: word })));
  const found = await clerk.get('/api/terms').query({ q: word }).expect(200);
  return { importId: done.file_id, term: Terms.parse(found.body).items[0]?.id ?? '' };
};

describe('an import', () => {
  it('whose commit was cancelled before it began is taken up whole by a retry', async () => {
    const clerk = await Clerk.start(world);
    const file = list(row(cpfOf(7)), row(cpfOf(8)));
    const { file_id: id } = await clerk.import(file, { mode: 'rehearse' });
    await asUnderWay(id, async (isWaited) => {
      await clerk.post(`/api/imports/${id}/commit`).expect(202);
      await expect.poll(isWaited, PATIENTLY).toBe(true);
      await clerk.post(`/api/imports/${id}/cancel`).expect(202);
    });
    expect(await clerk.report(id)).toMatchObject({ status: 'cancelled' });
    expect(await patients(clerk)).toBe(0);
    await clerk.post(`/api/imports/${id}/retry`).expect(202);
    expect(await clerk.ended(id)).toMatchObject({ status: 'completed', created: 2 });
    expect(await patients(clerk)).toBe(2);
  }, 120_000);

  it('is undone when the bundle that is under way has ended, and not before', async () => {
    const clerk = await Clerk.start(world);
    const { file_id: id } = await clerk.import(list(row(cpfOf(1))));
    await asUnderWay(id, async (isWaited) => {
      await clerk.post(`/api/imports/${id}/undo`).expect(202);
      await expect.poll(isWaited, PATIENTLY).toBe(true);
      expect(await clerk.report(id)).toMatchObject({
        status: 'completed',
        undoing: true,
        undo_conflicts: [],
        finished_at: null,
      });
      // During the undo, a second request for it is accepted. All other changes of the import are refused.
      await clerk.post(`/api/imports/${id}/undo`).expect(202);
      for (const verb of ['commit', 'retry', 'cancel']) {
        const { body } = await clerk.post(`/api/imports/${id}/${verb}`).expect(409);
        expect(body).toMatchObject({
          detail: 'This import is being undone. Wait until its status is undone.',
        });
      }
      expect(await patients(clerk)).toBe(1);
    });
    await isOver(clerk, id);
    expect(await clerk.report(id)).toMatchObject({ status: 'undone', undoing: false });
    expect(await patients(clerk)).toBe(0);
    await clerk.post(`/api/imports/${id}/undo`).expect(409);
  }, 120_000);

  it('is undone but for those about whom another import has concluded something since', async () => {
    const clerk = await Clerk.start(world);
    const file = list(row(cpfOf(51)), row(cpfOf(52), { note: 'Diabético' }));
    const first = await clerk.import(file);
    await clerk.import(file, { force: 'true', mode: 'rehearse' });
    const second = await clerk.import(list(row(cpfOf(52)), row(cpfOf(53))));
    expect(second).toMatchObject({ status: 'completed', created: 1, unchanged: 1 });
    await clerk.post(`/api/imports/${first.file_id}/undo`).expect(202);
    await isOver(clerk, first.file_id);
    expect(await clerk.report(first.file_id)).toMatchObject({
      status: 'undone',
      undo_conflicts: expect.arrayContaining([
        { row: 3, resource: expect.stringContaining('Patient/') },
        { row: 3, resource: expect.stringContaining('Condition/') },
      ]),
    });
    const left = await hapi.search(`Patient?identifier=${clerk.system}|`);
    expect(JSON.stringify(left)).not.toContain(cpfOf(51).replace(/\D/g, ''));
    expect(left).toHaveLength(2);
  }, 120_000);

  it('is undone whole when the imports that found its patients are undone themselves', async () => {
    const clerk = await Clerk.start(world);
    const file = list(row(cpfOf(54)), row(cpfOf(55)));
    const first = await clerk.import(file);
    const second = await clerk.import(file, { force: 'true' });
    expect(second).toMatchObject({ status: 'completed', unchanged: 2 });
    for (const { file_id: id } of [second, first]) {
      await clerk.post(`/api/imports/${id}/undo`).expect(202);
      await isOver(clerk, id);
      expect(await clerk.report(id)).toMatchObject({ status: 'undone', undo_conflicts: [] });
    }
    expect(await patients(clerk)).toBe(0);
  }, 120_000);

  it('is undone while no other import works on its patients; what that one changed stays', async () => {
    const clerk = await Clerk.start(world);
    const { file_id: id } = await clerk.import(list(row(cpfOf(6))));
    const [kept] = await world.sql`select patient from import_rows where import_id = ${id}`;
    const [patient] = await hapi.search(`Patient?identifier=${clerk.system}|`);
    const resource = `Patient/${String(patient?.['id'])}`;
    await holdingLock(world, `patient ${String(kept?.['patient'])}`, async (isWaited) => {
      await clerk.post(`/api/imports/${id}/undo`).expect(202);
      await expect.poll(isWaited, PATIENTLY).toBe(true);
      await hapi.json(`/${resource}`, { method: 'PUT', body: { ...patient, address: [{ city: 'Olinda' }] } });
    });
    await isOver(clerk, id);
    expect(await clerk.report(id)).toMatchObject({ undo_conflicts: [{ row: 2, resource }] });
    expect(await patients(clerk)).toBe(1);
  }, 120_000);

  it('whose undo failed ten times is taken back later all the same', async () => {
    const id = dead;
    const later = async () => {
      const jobs = await world.sql`
        select start_after > now() as later from queue.job where name = 'import-undo' and data ->> 'import_id' = ${id}`;
      return jobs.map((job) => job['later']);
    };
    await expect.poll(later, PATIENTLY).toEqual([true]);
    // The undo is marked as stuck, so that no other import waits for it.
    const [stuck] = await world.sql`select undoing from imports where id = ${id}`;
    expect(stuck).toEqual({ undoing: 'stuck' });
  }, 120_000);

  it('loses its rows when it is old, keeps its counts and can still be undone', async () => {
    const clerk = await Clerk.start(world);
    const { file_id: id } = await clerk.import(list(row(cpfOf(2)), row(cpfOf(3), { birth: '31/02/1980' })));
    await clerk.get(`/api/imports/${id}/errors.csv`).expect(200);
    await world.sql`update imports set finished_at = now() - interval '366 days' where id = ${id}`;
    const left = async () => {
      const [found] = await world.sql`
        select (select sum(length(sealed) + coalesce(length(plans), 0))::int from import_chunks where import_id = ${id}) as chunks,
          (select count(*)::int from import_changes where import_id = ${id}) as changes,
          (select count(*)::int from import_rows where import_id = ${id} and (patient is not null or content is not null)) as digests`;
      return found;
    };
    const isGone = () => expect.poll(left, PATIENTLY).toEqual({ chunks: 0, changes: 0, digests: 0 });
    // The gateway must start even if it cannot remove the files yet.
    const connection = await world.sql.reserve();
    try {
      await connection`begin`;
      await connection`lock table import_changes in access exclusive mode`;
      await passingGateway(async () => {
        await connection`commit`;
        await isGone();
      });
    } finally {
      await connection`rollback`;
      connection.release();
    }
    expect(await clerk.report(id)).toMatchObject({ created: 1, rejected: 1, reasons: { 'date-invalid': 1 } });
    await clerk.get(`/api/imports/${id}/errors.csv`).expect(409);
    await clerk.post(`/api/imports/${id}/retry`).expect(409);
    await clerk.post(`/api/imports/${id}/undo`).expect(202);
    await isOver(clerk, id);
    expect(await patients(clerk)).toBe(0);
  }, 120_000);
});

describe('another gateway', () => {
  let folder: string;
  let other: TestGateway;
  const [old, young, needed] = [randomUUID(), randomUUID(), randomUUID()];
  beforeAll(async () => {
    folder = join(String(world.gateway.env['DATA_DIR']), 'imports');
    await mkdir(folder, { recursive: true });
    await world.sql`
      insert into imports (id, account_name, sha256, bytes, mapping, mode, status, finished_at)
      select ${needed}, 'somebody', '', 1, id, 'commit', 'cancelled', now() from mappings limit 1`;
    for (const id of [old, young, needed]) await writeFile(join(folder, `${id}.sealed`), 'sealed');
    const then = new Date(Date.now() - 2 * HOUR);
    for (const id of [old, needed]) await utimes(join(folder, `${id}.sealed`), then, then);
    const { PORT: _, ...env } = world.gateway.env;
    other = await startTestGateway(env);
  });
  afterAll(() => other?.leave());

  it('removes what a crash left on the disk once it is old, and no file that is to be read', async () => {
    await expect.poll(() => readdir(folder), PATIENTLY).not.toContain(`${old}.sealed`);
    const left = await readdir(folder);
    expect(left).toEqual(expect.arrayContaining([`${young}.sealed`, `${needed}.sealed`]));
  }, 120_000);

  it('frees the rows that wait for a word that is decided there', async () => {
    const clerk = await Clerk.start(world);
    const { importId, term } = await wordOf(clerk);
    await request(other.url)
      .post(`/api/terms/${term}/ignore`)
      .set('authorization', clerk.caller.authorization)
      .send({})
      .expect(200);
    await expect.poll(async () => (await clerk.report(importId)).waiting, PATIENTLY).toBe(0);
  }, 120_000);
});

describe('a word', () => {
  it('whose rows could not run ten times is told in the log and tried again later', async () => {
    const term = randomUUID();
    // Other gateways have ended now. The log of the gateway that takes the job is therefore this one.
    await bury({ term });
    const later = async () => {
      const jobs = await world.sql`
        select start_after > now() as later from queue.job where name = 'term-decided' and data ->> 'term' = ${term}`;
      return jobs.map((job) => job['later']);
    };
    await expect.poll(later, PATIENTLY).toEqual([true]);
    await expect.poll(() => world.gateway.logged()).toContain(`rows that wait for term ${term} did not run`);
  }, 120_000);
});
