import { randomBytes } from 'node:crypto';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { reserveAnyPort } from '../../infra/local/port.ts';
import { type Postgres, startPostgres } from '../../infra/local/postgres.ts';
import { countUnsealed, verifyAudit } from '../support/audit.chain.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import type { TestOrthanc } from '../support/archives.ts';
import { longForm } from '../support/long.form.ts';
import { lendOrthanc } from '../support/neighbours.ts';

const MIGRATE = join(import.meta.dirname, '../../dist/database/migrate.js');
const quiet = () => undefined;

let dir: string;
let orthanc: TestOrthanc;
let cluster: Postgres;
let owner: postgres.Sql;
let gateway: TestGateway;
const secrets = {
  MASTER_KEY: randomBytes(32).toString('base64'),
  ADMIN_PASSWORD: randomBytes(16).toString('hex'),
};

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'radgate-clusters-'));
  orthanc = await lendOrthanc();
});
beforeAll(async () => {
  cluster = await freshCluster('first');
  owner = connect(cluster);
});
beforeAll(async () => {
  gateway = await start();
});
afterAll(async () => {
  await gateway?.stop();
  await owner?.end();
  await cluster?.stop();
  await orthanc?.stop();
  await rm(dir, { recursive: true, force: true });
});

const connect = ({ ownerUrl }: Postgres) => postgres(ownerUrl, { max: 3, onnotice: quiet });

/** A separate PostgreSQL cluster, whose transaction ids start at the beginning. */
async function freshCluster(name: string): Promise<Postgres> {
  const made = await startPostgres({ dir: join(dir, name), port: await reserveAnyPort(), durable: false });
  const env = { PATH: process.env['PATH'], DATABASE_URL: made.appUrl, DATABASE_OWNER_URL: made.ownerUrl };
  await promisify(execFile)(process.execPath, [MIGRATE], { env });
  return made;
}

const start = () =>
  startTestGateway({
    ...secrets,
    DATABASE_URL: cluster.appUrl,
    ORTHANC_URL: orthanc.url,
    ORTHANC_USERNAME: orthanc.username,
    ORTHANC_PASSWORD: orthanc.password,
    DEFAULT_ISSUER: 'TEST',
  });

async function restartGateway(): Promise<void> {
  gateway.kill();
  await gateway.exited;
  await gateway.stop();
  gateway = await start();
}

async function nextId(): Promise<number> {
  const [row] = await owner`select pg_snapshot_xmax(pg_current_snapshot())::text as id`;
  return Number(row?.['id']);
}

/** Consumes transaction ids until the next one is about `id`. */
async function advanceTo(id: number): Promise<void> {
  const count = id - (await nextId());
  expect(count).toBeGreaterThan(0);
  await owner.unsafe(
    `do $$ begin for i in 1..${count} loop perform pg_current_xact_id(); commit; end loop; end $$`,
  );
}

const write = (action: string) =>
  owner`insert into audit (kind, address, action) values ('answer', 'test', ${action})`;

const sealedBut = (rows: number) =>
  vi.waitFor(async () => expect(await countUnsealed(owner)).toBe(rows), { timeout: 20_000, interval: 200 });

/** Checks that every row has one seal and that the chain is intact. */
async function holds(): Promise<string> {
  await sealedBut(0);
  const [count] = await owner`
    select (select count(*)::int from audit) as rows, (select count(*)::int from audit_seals) as seals`;
  expect(count?.['seals']).toBe(count?.['rows']);
  const { code, text } = await verifyAudit(cluster.ownerUrl);
  expect([code, text]).toEqual([0, expect.stringContaining('are as they were sealed')]);
  return text;
}

describe.each(longForm([10_000, 100_000], [10_000]))('while transaction ids grow to %i', (boundary) => {
  let late: postgres.ReservedSql;
  beforeAll(async () => {
    await advanceTo(boundary - 40);
    late = await owner.reserve();
    await late`begin`;
    await late`insert into audit (kind, address, action) values ('answer', 'test', 'late')`;
    while ((await nextId()) < boundary - 3) await write('before');
    await sealedBut(0);
    while ((await nextId()) < boundary + 5) await write('across');
  });
  beforeAll(restartGateway);

  it('rows are sealed after a kill, and a late transaction does not delay them', async () => {
    while ((await nextId()) < boundary + 20) await write('after');
    await sealedBut(0);
    await late`commit`;
    late.release();
    expect(await holds()).not.toContain('have no seal');
    const [digits] = await owner`
      select count(distinct length(xact::text))::int as n from audit where action in ('before', 'across', 'after')`;
    expect(digits?.['n']).toBeGreaterThanOrEqual(2);
  });
});

describe('whatever the transaction ids of rows are', () => {
  const ids = Array.from({ length: 10 }, (_, power) => [10 ** power - 1, 10 ** power])
    .flat()
    .slice(1);
  const orders = [ids, ids.toReversed(), ids.map((_, index) => ids[(index * 7) % ids.length] ?? 1)];
  beforeAll(async () => {
    for (const order of orders)
      await owner`insert into audit (kind, address, action, xact)
        select 'answer', 'test', 'of any id', id::xid8 from unnest(${order.map(String)}::text[]) id`;
  });
  beforeAll(restartGateway);

  it('they are sealed, in whatever order they come', async () => {
    await holds();
  });
});

describe('a dump that is restored into a new cluster, under a gateway that keeps running', () => {
  let idsBefore: number;
  let second: Postgres;
  beforeAll(async () => {
    second = await freshCluster('second');
  });
  beforeAll(async () => {
    await sealedBut(0);
    idsBefore = await nextId();
    const to = connect(second);
    // These rows are written but not yet sealed at the time of the dump. One of these rows is an hour old.
    await owner.begin(async (tx) => {
      await tx`insert into audit (kind, address, action) values ('answer', 'test', 'not sealed in the dump')`;
      await tx`insert into audit (at, kind, address, action) values (now() - interval '1 hour', 'answer', 'test', 'old')`;
      await copyAudit(tx, to);
    });
    expect(await countUnsealed(to)).toBe(2);

    // The second cluster takes over the port of the first cluster.
    for (const connection of [to, owner]) await connection.end();
    for (const server of [second, cluster]) await server.stop();
    const { password } = new URL(cluster.appUrl);
    cluster = await startPostgres({ dir: join(dir, 'second'), port: cluster.port, durable: false });
    const admin = postgres(cluster.adminUrl, { max: 1 });
    await admin.unsafe(`alter role radgate_app password '${password}'`);
    await admin.end();
    owner = connect(cluster);
  });

  it('continues to be sealed although transaction ids start low again; late rows are reported', async () => {
    expect(await nextId()).toBeLessThan(idsBefore);
    await write('in the new cluster');
    expect(await holds()).toMatch(/1 rows from .* were sealed late/);
    await write('and again');
    await holds();
  });
});

/** Copies the rows with all columns, and the positions of the sequences, like pg_dump and pg_restore. */
async function copyAudit(from: postgres.TransactionSql, to: postgres.Sql): Promise<void> {
  for (const table of ['audit', 'audit_seals']) {
    const rows = await from.unsafe(`copy (select * from ${table}) to stdout`).readable();
    await pipeline(rows, await to.unsafe(`copy ${table} from stdin`).writable());
    const column = table === 'audit' ? 'id' : 'position';
    const [last] = await from.unsafe(`select max(${column})::text as last from ${table}`);
    const value = z.string().parse(last?.['last']);
    await to`select setval(pg_get_serial_sequence(${table}, ${column}), ${value}::bigint)`;
  }
}
