import { get, type IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import { type DatabaseProxy, startDatabaseProxy } from '../support/database.proxy.ts';
import { type Caller, startWorld, type World } from '../support/world.ts';

const IMPORT = '00000000-0000-4000-8000-000000000002';
/** Without the database, rights are valid for five seconds. The next check follows within two more seconds. */
const SOON = { timeout: 8_000, interval: 50 };

let world: World;
let proxy: DatabaseProxy;
let clerk: Caller;
beforeAll(async () => {
  world = await startWorld(async ({ database }) => {
    proxy = await startDatabaseProxy(database.appUrl);
    return { DATABASE_URL: proxy.url };
  });
  clerk = await world.person({ rights: ['records:read'], scope: { kind: 'all' } });
  await world.sql`insert into mappings (id, name, version, document) values (${IMPORT}, 'stalled', 1, '{}')`;
  await world.sql`
    insert into imports (id, account_name, sha256, bytes, mapping, mode, status)
    values (${IMPORT}, 'nobody', '\\x00', 1, ${IMPORT}, 'commit', 'running')`;
});
afterAll(async () => {
  await world?.stop();
  proxy?.close();
});

/** The begun answer of the gateway. */
async function begin(path: string, { authorization }: Caller): Promise<IncomingMessage> {
  const headers = { authorization };
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get(`${world.gateway.url}${path}`, { headers, agent: false }, resolve).on('error', reject);
  });
  expect(answer.statusCode).toBe(200);
  return answer.on('error', () => undefined);
}

/** A stream that begins when the database answers again. It must last until the end of the next test. */
let later: IncomingMessage | undefined;

const events = async () => (await begin(`/api/imports/${IMPORT}/events`, clerk)).resume();

describe('a database that hangs without closing its connections', () => {
  it('ends running requests after five seconds, because rights are no longer known', async () => {
    const stream = await events();
    // The gateway does not check the rights of a request again during its first second.
    await pause(1_100);
    proxy.stall(true);
    await pause(3_000);
    expect(stream.destroyed).toBe(false);
    await expect.poll(() => stream.destroyed, SOON).toBe(true);
    proxy.stall(false);
    later = await events();
  });
});

describe('a check of running requests after that', () => {
  it('asks the database once for all downloads of one study by one account, and works again', async () => {
    const studyUid = freshUid();
    const pixels = element('7FE00010', 'OW', Buffer.alloc(1_000_000, 7));
    const slices = Array.from({ length: 12 }, (_, index) =>
      makeInstance({ studyUid, instanceNumber: index + 1, rows: 1000, columns: 500, extra: [pixels] }),
    );
    await world.store(await world.machine(), slices).expect(200);
    const reader = await world.person({ rights: ['studies:read'], scope: { kind: 'all' } });
    // The clients do not read, so the downloads do not end by themselves.
    const downloads = await Promise.all(
      Array.from({ length: 6 }, () => begin(`/dicom-web/studies/${studyUid}`, reader)),
    );
    // A check reads the policy of the account, and then whether the policy covers the study.
    const statements = () => ({ studies: proxy.statements(studyUid), policies: proxy.statements(reader.id) });
    await pause(1_100);
    const before = statements();
    await expect.poll(() => statements().policies, SOON).toBeGreaterThan(before.policies);
    // The rest of the check follows.
    await pause(500);
    const after = statements();
    const checks = after.policies - before.policies;
    expect(checks).toBeGreaterThanOrEqual(1);
    expect(after.studies - before.studies).toBeLessThanOrEqual(checks + 1);
    expect(later?.destroyed).toBe(false);
    later?.destroy();
    for (const download of downloads) expect(await lengthOf(download)).toBeGreaterThan(12_000_000);
  });
});

/** A study with one frame, an account that may read it, and the path of the frame. */
async function frameOf(): Promise<{ studyUid: string; reader: Caller; path: string }> {
  const [studyUid, seriesUid, sopUid] = [freshUid(), freshUid(), freshUid()];
  const pixels = element('7FE00010', 'OW', Buffer.alloc(200, 7));
  const file = makeInstance({ studyUid, seriesUid, sopUid, rows: 10, columns: 10, extra: [pixels] });
  await world.store(await world.machine(), [file]).expect(200);
  const reader = await world.radiologist(studyUid);
  return {
    studyUid,
    reader,
    path: `/dicom-web/studies/${studyUid}/series/${seriesUid}/instances/${sopUid}/frames/1`,
  };
}

const ask = (path: string, { authorization }: Caller, etag?: string) =>
  fetch(`${world.gateway.url}${path}`, {
    headers: { authorization, ...(etag === undefined ? {} : { 'if-none-match': etag }) },
  });

describe('a frame that is read again and again', () => {
  it('needs no statement while its decision is recent', async () => {
    const { studyUid, reader, path } = await frameOf();
    const first = await ask(path, reader);
    const etag = first.headers.get('etag') ?? '';
    expect((await first.arrayBuffer()).byteLength).toBeGreaterThan(200);
    expect((await ask(path, reader, etag)).status).toBe(304);
    const statements = () => proxy.statements(studyUid) + proxy.statements(reader.id);
    const before = statements();
    const until = performance.now() + 2_000;
    let times = 0;
    for (; performance.now() < until; times += 1) expect((await ask(path, reader, etag)).status).toBe(304);
    // The decision may expire once while the loop runs. It then needs three statements: sign-in, policy and study.
    expect(statements() - before).toBeLessThanOrEqual(3);
    expect(times).toBeGreaterThan(50);
  });

  it('is refused at most five seconds after the database was lost, and read again when it is back', async () => {
    const { reader, path } = await frameOf();
    const etag = (await ask(path, reader)).headers.get('etag') ?? '';
    expect((await ask(path, reader, etag)).status).toBe(304);
    proxy.cut();
    const cutAt = performance.now();
    let answeredAt = cutAt;
    for (;;) {
      const startedAt = performance.now();
      const { status } = await ask(path, reader, etag);
      if (status === 503) break;
      expect(status).toBe(304);
      answeredAt = startedAt;
      await pause(20);
    }
    expect(answeredAt - cutAt).toBeLessThan(5_000);
    expect((await ask(path, reader, etag)).status).toBe(503);
    proxy.open();
    await expect.poll(async () => (await ask(path, reader, etag)).status, SOON).toBe(304);
  });
});

describe('new instances', () => {
  it('are told to all gateways after their commit', async () => {
    const told: string[] = [];
    const listening = await world.sql.listen('study_grown', (studyUid) => told.push(studyUid));
    const { studyUid } = await frameOf();
    await expect.poll(() => told).toContain(studyUid);
    await listening.unlisten();
  });
});

/** The number of bytes that the rest of the answer has. Throws if the answer is cut off. */
async function lengthOf(answer: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const chunk of answer) bytes += Buffer.isBuffer(chunk) ? chunk.length : 0;
  return bytes;
}
