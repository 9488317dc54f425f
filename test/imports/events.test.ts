import { randomUUID } from 'node:crypto';
import { get, type IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DatabaseProxy, startDatabaseProxy } from '../support/database.proxy.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type Caller, startWorld, type World } from '../support/world.ts';

const LISTENERS = 20;
/** The time without events. If the gateway polled the event table twice a second for each client, it would read the table 80 times. */
const QUIET_MS = 2_000;

let world: World;
let way: DatabaseProxy;
let gateway: TestGateway;
let clerk: Caller;
beforeAll(async () => {
  world = await startWorld();
  way = await startDatabaseProxy(world.database.appUrl);
  const { PORT: _, DATA_DIR: __, ...env } = world.gateway.env;
  gateway = await startTestGateway({ ...env, DATABASE_URL: way.url });
  clerk = await world.person({ rights: ['records:read'], scope: { kind: 'all' } });
});
afterAll(async () => {
  await gateway?.leave();
  way?.close();
  await world?.stop();
});

/** The number of times that the gateway has read the event table. */
const reads = () => way.statements('from "import_events"');

async function startedImport(): Promise<string> {
  const id = randomUUID();
  await world.sql`
    insert into imports (id, account_name, sha256, bytes, mapping, mode, status)
    select ${id}, 'somebody', '', 1, id, 'commit', 'running' from mappings limit 1`;
  return id;
}

const tell = (importId: string, data: Readonly<Record<string, number | string | null>>) =>
  world.sql`insert into import_events (import_id, data) values (${importId}, ${world.sql.json(data)})`;

/** A client that reads the event stream of an import. The gateway connects to its database through the proxy. */
class Listener {
  heard = '';
  ended = false;

  private constructor(private readonly answer: IncomingMessage) {
    answer.on('data', (chunk) => (this.heard += String(chunk)));
    answer.on('end', () => (this.ended = true)).on('error', () => undefined);
  }

  static async of(importId: string): Promise<Listener> {
    const headers = { authorization: clerk.authorization };
    const url = `${gateway.url}/api/imports/${importId}/events`;
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      get(url, { headers, agent: false }, resolve).on('error', reject);
    });
    expect(answer.statusCode).toBe(200);
    return new Listener(answer);
  }

  leave(): void {
    this.answer.destroy();
  }
}

const listeners = (importId: string) =>
  Promise.all(Array.from({ length: LISTENERS }, () => Listener.of(importId)));
const allHeard = (all: readonly Listener[], text: string) =>
  expect.poll(() => all.filter(({ heard }) => heard.includes(text)).length).toBe(all.length);

describe('the events of an import', () => {
  it('are read when there are new ones; while nothing happens no statement is sent', async () => {
    const [followed, other] = [await startedImport(), await startedImport()];
    await tell(followed, { rows_done: 1 });
    const all = await listeners(followed);
    await allHeard(all, '"rows_done":1');
    const before = reads();
    await pause(QUIET_MS);
    expect(reads()).toBe(before);
    // An event of another import must not cause a read for these clients.
    await tell(other, { rows_done: 1 });
    await pause(200);
    expect(reads()).toBe(before);
    await tell(followed, { rows_done: 2 });
    await allHeard(all, '"rows_done":2');
    expect(reads() - before).toBe(LISTENERS);
    await tell(followed, { finished_at: '2026-01-01T00:00:00Z' });
    await expect.poll(() => all.every(({ ended }) => ended)).toBe(true);
  });

  it('come by one connection for all listeners, and a listener who leaves frees its place', async () => {
    const id = await startedImport();
    const all = await listeners(id);
    expect(way.statements('listen "import_event"')).toBe(1);
    const [staying, ...leaving] = all;
    for (const one of leaving) one.leave();
    await pause(300);
    const read = reads();
    await tell(id, { rows_done: 3 });
    await expect.poll(() => staying?.heard).toContain('"rows_done":3');
    await pause(200);
    expect(reads() - read).toBe(1);
    staying?.leave();
    await pause(300);
    await tell(id, { rows_done: 4 });
    await pause(300);
    expect(reads() - read).toBe(1);
  });

  it('that were told while the connection to the database was lost are caught up', async () => {
    const id = await startedImport();
    const all = await listeners(id);
    await tell(id, { rows_done: 1 });
    await allHeard(all, '"rows_done":1');
    way.cut();
    await tell(id, { rows_done: 2 });
    await pause(500);
    way.open();
    await allHeard(all, '"rows_done":2');
    await tell(id, { rows_done: 3, finished_at: '2026-01-01T00:00:00Z' });
    await expect.poll(() => all.every(({ ended }) => ended)).toBe(true);
    for (const { heard } of all)
      expect(heard.match(/"rows_done":\d/g)).toEqual(['1', '2', '3'].map((n) => `"rows_done":${n}`));
  });
});
