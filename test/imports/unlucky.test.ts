import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import request from 'supertest';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  startFaultyProxy,
  testHapi,
  type Fate,
  type FaultyProxy,
  type Judge,
  type TestHapi,
} from '../support/hapi.ts';
import { isLong } from '../support/long.form.ts';
import { startWorld, type World } from '../support/world.ts';
import { Accepted, Clerk, countedRows, holdingLock } from './import.world.ts';
import { cpfOf, list, row } from './lists.ts';
import { rejectionScenarios } from './rejections.scenarios.ts';

let hapi: TestHapi;
let way: FaultyProxy;
let fate: (method: string, path: string) => Fate = () => 'pass';
let judge: Judge = () => undefined;
let world: World;
beforeAll(async () => {
  hapi = await testHapi();
  way = await startFaultyProxy(
    hapi.url,
    (method, path) => fate(method, path),
    (transaction) => judge(transaction),
  );
  world = await startWorld({ FHIR_BASE_URL: way.url });
}, 200_000);
afterEach(() => {
  fate = () => 'pass';
});
afterAll(async () => {
  await world?.stop();
  await way?.close();
});

/** Lets `decide` choose the fate of each transaction by its number, which starts at 1. All other requests pass. */
function ofTransactions(decide: (number: number) => Fate): { readonly count: number } {
  const base = `${new URL(way.url).pathname}/`;
  const seen = { count: 0 };
  fate = (method, path) => (method === 'POST' && path === base ? decide((seen.count += 1)) : 'pass');
  return seen;
}

/** Loses the response to every second transaction after the server has carried out the transaction. */
const loseAnswers = () => ofTransactions((number) => (number % 2 === 1 ? 'lost' : 'pass'));

/** Whether the queue has no unfinished job of an import or a term. */
const atRest = async (id: string) => {
  const [found] = await world.sql`
    select count(*)::int as left from queue.job
    where state in ('created', 'retry', 'active') and (data ->> 'import_id' = ${id} or data ->> 'term' = ${id})`;
  return found?.['left'] === 0;
};
const settled = (id: string) => expect.poll(() => atRest(id), { timeout: 40_000, interval: 100 }).toBe(true);

const staged = async () => {
  const folder = join(String(world.gateway.env['DATA_DIR']), 'imports');
  return readdir(folder).catch(() => []);
};
const undone = async (clerk: Clerk, id: string) => {
  await clerk.post(`/api/imports/${id}/undo`).expect(202);
  await expect.poll(async () => (await clerk.report(id))['finished_at'], { timeout: 40_000 }).not.toBeNull();
  return clerk.report(id);
};

rejectionScenarios(
  () => ({ world, hapi, way }),
  (next) => {
    judge = next;
  },
);

describe('an operator during faults', () => {
  it('sees what was really written although answers are lost, and can undo all of it', async () => {
    const clerk = await Clerk.start(world);
    const transactions = loseAnswers();
    const first = list(
      row(cpfOf(1), { note: 'Diabético' }),
      row(cpfOf(2)),
      row(cpfOf(3), { note: 'Gestante' }),
    );
    const created = await clerk.import(first);
    expect(created).toMatchObject({ status: 'completed', created: 3, updated: 0, unchanged: 0 });
    const second = list(
      row(cpfOf(1), { note: 'Diabético', phone: '(11) 98888-7777' }),
      row(cpfOf(2), { note: 'Hipertenso' }),
      row(cpfOf(3), { note: 'Gestante' }),
    );
    const updated = await clerk.import(second);
    expect(updated).toMatchObject({ status: 'completed', created: 0, updated: 2, unchanged: 1 });

    expect(await undone(clerk, updated.file_id)).toMatchObject({ status: 'undone', undo_conflicts: [] });
    const patients = await hapi.search(`Patient?identifier=${clerk.system}|`);
    const phones = patients.map(
      (one) => z.object({ telecom: z.array(z.looseObject({})) }).parse(one).telecom,
    );
    expect(phones.flat().map((one) => one['value'])).toEqual(Array(3).fill('+551133334444'));
    expect(await hapi.count(`Condition?subject:Patient.identifier=${clerk.system}|`)).toBe(1);

    expect(await undone(clerk, created.file_id)).toMatchObject({ status: 'undone', undo_conflicts: [] });
    expect(await hapi.count(`Patient?identifier=${clerk.system}|`)).toBe(0);
    expect(transactions.count).toBeGreaterThan(4);
  }, 120_000);

  it('searches only once for new patients, and writes and undoes nothing twice when a record has lost its patient', async () => {
    const clerk = await Clerk.start(world);
    const file = list(row(cpfOf(80), { note: 'Diabético' }), row(cpfOf(81), { note: 'Gestante' }));
    const before = way.seen.length;
    const first = await clerk.import(file);
    expect(first).toMatchObject({ status: 'completed', created: 2 });
    const searches = way.seen.slice(before).filter((request) => request.endsWith('/_search'));
    expect(searches).toEqual([`POST ${new URL(way.url).pathname}/Patient/_search`]);

    const patients = await hapi.search(`Patient?identifier=${clerk.system}|`);
    const [lost] = await hapi.search(`Condition?subject:Patient.identifier=${clerk.system}|`);
    const { subject } = z.object({ subject: z.object({ reference: z.string() }) }).parse(lost);
    const patient = patients.find(({ id }) => `Patient/${String(id)}` === subject.reference);
    const identifier = [{ system: `${clerk.system}:other`, value: '1' }];
    await hapi.json(`/${subject.reference}`, { method: 'PUT', body: { ...patient, identifier } });

    const again = await clerk.import(file, { force: 'true' });
    expect(again).toMatchObject({ status: 'completed', created: 1, unchanged: 1 });
    expect(await hapi.count(`Patient?identifier=${clerk.system}|`)).toBe(2);
    expect(await hapi.count(`Condition?subject=${subject.reference}`)).toBe(1);
    expect(await hapi.count(`Condition?subject:Patient.identifier=${clerk.system}|`)).toBe(0);
    expect(await undone(clerk, again.file_id)).toMatchObject({ status: 'undone', undo_conflicts: [] });
    expect(await hapi.count(`Condition?subject=${subject.reference}`)).toBe(1);
    expect(await hapi.count(`Patient?identifier=${clerk.system}|`)).toBe(1);
  }, 120_000);

  it('waits while HAPI refuses the gateway itself: no row is to blame', async () => {
    const clerk = await Clerk.start(world);
    let refused = 0;
    fate = () => ((refused += 1) <= 3 ? 'denied' : 'pass');
    const done = await clerk.import(list(row(cpfOf(10)), row(cpfOf(11))));
    expect(refused).toBeGreaterThan(3);
    expect(done).toMatchObject({ status: 'completed', created: 2, rejected: 0 });
  }, 60_000);

  it('cancels while the file is read, and it stays cancelled', async () => {
    const clerk = await Clerk.start(world);
    const rows = Array.from({ length: 20_000 }, (_, at) => row(cpfOf(at)));
    const upload = await clerk.upload(list(...rows)).expect(202);
    const id = String((upload.headers['location'] ?? '').split('/').at(-1));
    await clerk.post(`/api/imports/${id}/cancel`).expect(202);
    await settled(id);
    expect(await clerk.report(id)).toMatchObject({ status: 'cancelled', rows_done: 0 });
    expect(await hapi.count(`Patient?identifier=${clerk.system}|`)).toBe(0);
    // The file still exists, so the import can be retried.
    expect(await staged()).toContain(`${id}.sealed`);
  }, 120_000);

  it('retries only what may run: rows of one patient that differ stay refused', async () => {
    const clerk = await Clerk.start(world);
    const done = await clerk.import(
      list(row(cpfOf(20)), row(cpfOf(20), { phone: '(11) 98888-7777' }), row(cpfOf(21))),
    );
    expect(done).toMatchObject({ status: 'completed_with_errors', created: 1, rejected: 2 });
    await clerk.post(`/api/imports/${done.file_id}/retry`).expect(409);
    const after = await clerk.report(done.file_id);
    expect(after).toMatchObject({ status: 'completed_with_errors', created: 1, rejected: 2 });
    expect(after.reasons).toMatchObject({ 'duplicate-in-file': 2 });
    expect(await hapi.count(`Patient?identifier=${clerk.system}|`)).toBe(1);
  }, 60_000);

  it('sends a list again while it is being undone: the second import waits, and writes all of it', async () => {
    const clerk = await Clerk.start(world);
    const file = list(...Array.from({ length: 30 }, (_, at) => row(cpfOf(60 + at))));
    const { file_id: id } = await clerk.import(file);
    const hold = async (isWaited: () => Promise<boolean>) => {
      await clerk.post(`/api/imports/${id}/undo`).expect(202);
      await expect.poll(isWaited, { timeout: 40_000 }).toBe(true);
      const seen = { lookups: 0 };
      fate = (_method, path) => {
        if (path.includes('/Patient')) seen.lookups += 1;
        return 'pass';
      };
      const again = await clerk.upload(file).expect(202);
      // The import has found its patients in HAPI. It searches for them again later.
      await expect.poll(() => seen.lookups, { timeout: 40_000 }).toBeGreaterThan(2);
      return Accepted.parse(again.body).file_id;
    };
    let second = '';
    await holdingLock(
      world,
      `import ${id}`,
      async (isWaited) => {
        second = await hold(isWaited);
        expect(await clerk.report(second)).toMatchObject({ status: 'running', rows_done: 0 });
      },
      true,
    );
    expect(await clerk.ended(second)).toMatchObject({ status: 'completed', created: 30, unchanged: 0 });
    await settled(id);
    expect(await clerk.report(id)).toMatchObject({ status: 'undone', undo_conflicts: [] });
    expect(await hapi.count(`Patient?identifier=${clerk.system}|`)).toBe(30);
  }, 120_000);

  it('takes all of an import back though its Provenance was still to be written', async () => {
    const clerk = await Clerk.start(world);
    let held = 0;
    fate = (_, path) => {
      if (!path.includes('/Provenance/')) return 'pass';
      held += 1;
      return 'busy';
    };
    const upload = await clerk.upload(list(row(cpfOf(25)))).expect(202);
    const id = Accepted.parse(upload.body).file_id;
    await expect.poll(() => held, { timeout: 40_000 }).toBeGreaterThan(0);
    await holdingLock(world, `import ${id}`, async (isWaited) => {
      fate = () => 'pass';
      await expect.poll(isWaited, { timeout: 40_000 }).toBe(true);
      await clerk.post(`/api/imports/${id}/cancel`).expect(202);
      await clerk.post(`/api/imports/${id}/undo`).expect(202);
    });
    await settled(id);
    expect(await clerk.report(id)).toMatchObject({ status: 'undone', undo_conflicts: [] });
    expect(await hapi.count(`Patient?identifier=${clerk.system}|`)).toBe(0);
    expect(await hapi.count(`Provenance?target:Patient.identifier=${clerk.system}|`)).toBe(0);
  }, 120_000);

  it('is not surprised by a cancelled import that a decided word starts again', async () => {
    const clerk = await Clerk.start(world);
    const word = `palavra ${clerk.mapping.slice(5)}`;
    const done = await clerk.import(list(row(cpfOf(30), { note: word })), { mode: 'rehearse' });
    expect(done).toMatchObject({ status: 'rehearsed', waiting: 1 });
    await clerk.post(`/api/imports/${done.file_id}/cancel`).expect(202);
    const inbox = await clerk.get(`/api/terms?state=unmapped&limit=1000`).expect(200);
    const terms = z
      .object({ items: z.array(z.object({ id: z.string(), word: z.string() })) })
      .parse(inbox.body);
    const term = terms.items.find((one) => one.word === word)?.id ?? '';
    await clerk.post(`/api/terms/${term}/ignore`).expect((answer) => expect(answer.status).toBeLessThan(300));
    await settled(term);
    await settled(done.file_id);
    expect(await clerk.report(done.file_id)).toMatchObject({ status: 'cancelled' });
  }, 60_000);

  it('has a file read by the gateway whose disk holds it, and off the disk once it is read', async () => {
    const clerk = await Clerk.start(world);
    const other = await world.secondGateway();
    try {
      for (let at = 40; at < 43; at += 1) {
        const done = await clerk.import(list(row(cpfOf(at))));
        expect(done).toMatchObject({ status: 'completed', created: 1 });
        expect(await staged()).not.toContain(`${done.file_id}.sealed`);
      }
    } finally {
      await other.leave();
    }
  }, 90_000);

  it('is told that the disk is full, and nothing is left of the upload', async () => {
    const clerk = await Clerk.start(world);
    const cramped = await world.secondGateway(['prlimit', '--fsize=300000']);
    try {
      const rows = Array.from({ length: 6_000 }, (_, at) => row(cpfOf(at)));
      const answer = await request(cramped.url)
        .post('/api/imports')
        .set('authorization', clerk.caller.authorization)
        .attach('file', list(...rows), 'list.csv');
      expect(answer.status).toBe(507);
      // A list that is only read to draft a mapping is stored as well, for a short time.
      const file = list(...rows);
      const draft = () =>
        request(cramped.url).post('/api/mappings/draft').set('authorization', clerk.caller.authorization);
      const drafts = [
        await draft().attach('file', file, 'list.csv'),
        await draft().set('content-type', 'text/csv').send(file.toString('latin1')),
      ];
      for (const { status, body } of drafts)
        expect([status, body]).toMatchObject([507, { code: 'storage-full' }]);
      expect(await readdir(join(String(cramped.env['DATA_DIR']), 'imports'))).toEqual([]);
    } finally {
      await cramped.leave();
    }
  }, 60_000);

  it('leaves in the middle of an upload, and nothing is left of it', async () => {
    const clerk = await Clerk.start(world);
    const before = await staged();
    const { hostname, port } = new URL(world.gateway.url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.write(
      `POST /api/imports?mapping=${clerk.mapping} HTTP/1.1\r\nhost: x\r\nauthorization: ${clerk.caller.authorization}\r\n` +
        'content-type: multipart/form-data; boundary=b\r\ncontent-length: 1000000\r\n\r\n' +
        '--b\r\ncontent-disposition: form-data; name="file"; filename="l.csv"\r\n\r\nNome,CPF\n',
    );
    await expect.poll(async () => (await staged()).length).toBe(before.length + 1);
    socket.destroy();
    await expect.poll(staged).toEqual(before);
  });

  it('may use one Idempotency-Key for one file only, also when the other file is known', async () => {
    const clerk = await Clerk.start(world);
    const key = { 'idempotency-key': `key-${clerk.mapping}` };
    await clerk
      .upload(list(row(cpfOf(50))))
      .set(key)
      .expect(202);
    await clerk.upload(list(row(cpfOf(51)))).expect(202);
    await clerk
      .upload(list(row(cpfOf(51))))
      .set(key)
      .expect(422);
    await clerk
      .upload(list(row(cpfOf(50))), { mode: 'rehearse' })
      .set(key)
      .expect(422);
    // The same file with a different `as_of`, encoding, `corrections` or `sheet` becomes a separate import.
    for (const other of [
      { as_of: '2026-01-01' },
      { encoding: 'windows-1252' },
      { corrections: 'amend' },
      { sheet: '1' },
    ])
      await clerk
        .upload(list(row(cpfOf(50))), other)
        .set(key)
        .expect(422);
    await clerk
      .upload(list(row(cpfOf(50))))
      .set(key)
      .expect(200);
  }, 60_000);

  it('hears the end once: a listener who heard all is sent away', async () => {
    const clerk = await Clerk.start(world);
    const done = await clerk.import(list(row(cpfOf(70))));
    expect(countedRows(done)).toBe(1);
    const events = await clerk.get(`/api/imports/${done.file_id}/events`).expect(200);
    const last = [...events.text.matchAll(/^id: (\d+)$/gm)].at(-1)?.[1] ?? '';
    await clerk.get(`/api/imports/${done.file_id}/events`).set('last-event-id', last).expect(204);
  }, 60_000);

  // This test takes eighteen seconds and runs only in the long form. In `npm test`, resilience.test.ts kills the gateway.
  if (isLong)
    it('takes all of an import back though the gateway is killed in the middle, when an answer was lost', async () => {
      const clerk = await Clerk.start(world);
      const { file_id: id } = await clerk.import(
        list(...Array.from({ length: 60 }, (_, at) => row(cpfOf(100 + at), { note: 'Diabético' }))),
      );
      const transactions = ofTransactions((number) => (number === 2 ? 'lost' : 'pass'));
      await clerk.post(`/api/imports/${id}/undo`).expect(202);
      await expect
        .poll(() => transactions.count, { timeout: 40_000, interval: 10 })
        .toBeGreaterThanOrEqual(2);
      world.gateway.kill();
      await world.gateway.exited;
      world.gateway = await world.secondGateway();
      await settled(id);
      expect(await clerk.report(id)).toMatchObject({ status: 'undone', undoing: false, undo_conflicts: [] });
      for (const kind of ['Patient?identifier', 'Condition?subject:Patient.identifier'])
        expect(await hapi.count(`${kind}=${clerk.system}|`)).toBe(0);
    }, 120_000);
});
