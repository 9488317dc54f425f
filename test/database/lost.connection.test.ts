import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/neighbours.ts';

let database: TestDatabase;
let way: Server;
let sql: postgres.Sql;
const open = new Set<Socket>();
beforeAll(async () => {
  database = await createDatabase();
  const target = new URL(database.ownerUrl);
  way = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    open.add(near);
    for (const socket of [near, far]) socket.on('error', () => undefined);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    near.pipe(far).pipe(near);
  });
  way.listen(0, '127.0.0.1');
  await once(way, 'listening');
  const address = way.address();
  const url = new URL(database.ownerUrl);
  url.hostname = '127.0.0.1';
  url.port = String(address !== null && typeof address === 'object' ? address.port : 0);
  sql = postgres(url.href, { max: 1, backoff: () => 0 });
  await sql`create table kept (what text)`;
});
afterAll(async () => {
  await sql?.end({ timeout: 1 });
  way?.close();
  await database?.drop();
});

/** Resets every connection, as if PostgreSQL was killed. */
async function cut() {
  for (const socket of open) socket.resetAndDestroy();
  open.clear();
  await pause(50);
}

const fateOf = (statement: PromiseLike<unknown>): Promise<string> =>
  Promise.resolve(statement).then(
    () => 'done',
    () => 'refused',
  );
const kept = async () => (await sql`select what from kept`).map((row) => row['what']);

// These tests cover the driver's issues 1154 and 1208. Without the patch of the driver (patches/), the first two tests end the whole
// process.
describe('a connection that is lost in the middle of a transaction', () => {
  it('fails the statement under way and the transaction, and nothing else', async () => {
    const lost = sql.begin(async (transaction) => {
      await transaction`insert into kept values ('half')`;
      await transaction`select pg_sleep(10)`;
    });
    const told = expect(lost).rejects.toThrow(/CONNECTION_CLOSED|ECONNRESET/);
    await pause(200);
    await cut();
    await told;
    expect(await kept()).toEqual([]);
  });

  it('fails a transaction that was between two statements', async () => {
    const late = Promise.withResolvers<string>();
    const lost = sql.begin(async (transaction) => {
      await transaction`insert into kept values ('half')`;
      await cut();
      late.resolve(fateOf(transaction`insert into kept values ('late')`));
    });
    await expect(lost).rejects.toThrow(/CONNECTION_CLOSED|ECONNRESET/);
    expect(await late.promise).toBe('refused');
    expect(await kept()).toEqual([]);
  });

  it('lets no later statement of it run on the connection that follows', async () => {
    const stray = Promise.withResolvers<string>();
    const lost = sql.begin(async (transaction) => {
      await transaction`insert into kept values ('half')`;
      await cut();
      // The pool has only one connection. A statement of another caller opens it again.
      expect(await kept()).toEqual([]);
      stray.resolve(fateOf(transaction`insert into kept values ('stray')`));
    });
    await expect(lost).rejects.toThrow(/CONNECTION_CLOSED|ECONNRESET/);
    // The caller's transaction fails before its last statement is sent.
    expect(await stray.promise).toBe('refused');
    expect(await kept()).toEqual([]);
  });

  it('fails what a reserved connection is asked afterwards', async () => {
    const reserved = await sql.reserve();
    await cut();
    await expect(reserved`select 1`).rejects.toThrow(/CONNECTION_CLOSED|ECONNRESET/);
    expect(await kept()).toEqual([]);
  });

  it('fails what a reserved connection is asked while others connect anew, and after', async () => {
    const reserved = await sql.reserve();
    await cut();
    const others = kept();
    expect(await fateOf(reserved`select 1`)).toBe('refused');
    expect(await others).toEqual([]);
    expect(await fateOf(reserved`select 1`)).toBe('refused');
    // The pool has only one connection, and another caller uses it now. The release of the lost connection must therefore have no effect.
    const [next, late] = [await sql.reserve(), kept()];
    reserved.release();
    expect(await fateOf(next`select 1`)).toBe('done');
    next.release();
    expect(await late).toEqual([]);
  });
});
