import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { countUnsealed, SEALER_LOCK, verifyAudit } from '../support/audit.chain.ts';
import { isLong } from '../support/long.form.ts';
import { startWorld, type World } from '../support/world.ts';
import { registerAuditChain } from './sealing.scenarios.ts';

let world: World;
let app: postgres.Sql;
beforeAll(async () => {
  world = await startWorld();
  app = postgres(world.database.appUrl, { max: 1, onnotice: () => undefined });
});
afterAll(async () => {
  await app?.end();
  await world?.stop();
});

/** Runs `npm run audit:verify` with the connection URL of the schema owner. */
const verify = (...args: string[]) => verifyAudit(world.database.ownerUrl, ...args);

const count = async (what: 'audit' | 'audit_seals') =>
  z.number().parse((await world.sql.unsafe(`select count(*)::int as n from ${what}`))[0]?.['n']);
const sealed = () => expect.poll(() => countUnsealed(world.sql), { timeout: 20_000 }).toBe(0);
/** This month, or one of the next months, as in the name of a partition. */
function monthAhead(count: number): string {
  const now = new Date();
  const month = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + count));
  return month.toISOString().slice(0, 7).replace('-', '_');
}

const months = async () =>
  (
    await world.sql`
    select c.relname as name from pg_inherits join pg_class c on c.oid = inhrelid where inhparent = 'audit'::regclass order by 1`
  ).map((row) => String(row['name']));

/** Inserts audit rows with times in the past. */
const longAgo = (at: string, rows: number) => world.sql`
  insert into audit (at, kind, address, action)
  select ${at}::timestamptz + n * interval '1 hour', 'answer', 'test', 'long ago ' || n from generate_series(1, ${rows}) n`;

/** Ids of sealed rows of this year, oldest seal first. */
const ids = async () => {
  await longAgo(new Date().toISOString(), 12);
  await sealed();
  return (
    await world.sql`select audit_id::text as id from audit_seals join audit on id = audit_id order by position desc limit 8`
  ).map((row) => String(row['id']));
};
/** Makes a change that only the schema owner can make, runs the check, and undoes the change. No row is sealed during the check. */
async function tampered(statement: string, args: string[] = []): Promise<{ code: number; text: string }> {
  const holder = postgres(world.database.ownerUrl, { max: 1 });
  await holder`select pg_advisory_lock(${SEALER_LOCK})`;
  await world.sql`create table kept_rows as select * from audit`;
  await world.sql`create table kept_seals as select * from audit_seals`;
  try {
    await world.sql.unsafe(statement);
    return await verify(...args);
  } finally {
    await world.sql`delete from audit`;
    await world.sql`insert into audit overriding system value select * from kept_rows`;
    await world.sql`delete from audit_seals`;
    await world.sql`insert into audit_seals overriding system value select * from kept_seals`;
    await world.sql`drop table kept_rows, kept_seals`;
    await holder.end();
  }
}

// This scenario counts all rows of the audit.
registerAuditChain(() => world);

describe('the months of the audit', () => {
  it('are made ahead, so that rows of today are in the month of today', async () => {
    const today = monthAhead(0);
    const ahead = [0, 1, 2].map((count) => `audit_${monthAhead(count)}`);
    // The template of the database can be from the month before.
    expect(await months()).toEqual(expect.arrayContaining(ahead));
    await world.admin();
    const [row] =
      await world.sql`select tableoid::regclass::text as month from audit order by id desc limit 1`;
    expect(row?.['month']).toBe(`audit_${today}`);
    expect(await world.sql`select from audit_rest`).toHaveLength(0);
  });

  it('that come unexpectedly move their rows out of the default partition', async () => {
    await longAgo('2026-02-10', 50);
    expect(await world.sql`select from audit_rest`).toHaveLength(50);
    await app`select audit_keep()`;
    expect(await world.sql`select from audit_rest`).toHaveLength(0);
    expect(await world.sql`select from audit_2026_02`).toHaveLength(50);
    await sealed();
    expect(await verify()).toMatchObject({ code: 0 });
  });

  it('that are too old are dropped once they are sealed; their seal stays and the rest is still held', async () => {
    await longAgo('2019-05-30T20:00:00Z', 100);
    await app`select audit_keep()`;
    // The sealer may already have sealed the row. The test only requires that no row remains unsealed.
    await sealed();
    await app`select audit_keep()`;
    expect(await months()).not.toContain('audit_2019_05');
    const left =
      await world.sql`select to_char(month, 'YYYY-MM') as month, rows::int, hash from audit_months order by month`;
    expect(left.map((row) => [row['month'], row['rows']])).toEqual([
      ['2019-05', 27],
      ['2019-06', 73],
    ]);
    expect(left.every((row) => row['hash'] instanceof Uint8Array)).toBe(true);
    expect(await verify()).toMatchObject({ code: 0 });
    await world.admin();
    await sealed();
    expect(await verify()).toMatchObject({ code: 0 });
  });

  it('leave no more seals behind than the chain needs, when the oldest go', async () => {
    await world.sql`update audit_settings set kept_months = 1`;
    const before = await count('audit_seals');
    await app`select audit_keep()`;
    expect(await months()).not.toContain('audit_2026_02');
    expect(await count('audit_seals')).toBeLessThanOrEqual(before);
    expect(await verify()).toMatchObject({ code: 0 });
    await world.sql`update audit_settings set kept_months = 72`;
  });

  it('and how long they are kept are not for the role of the gateway to change', async () => {
    for (const statement of [
      'update audit_settings set kept_months = 1',
      'delete from audit_months',
      'insert into audit_months (month, rows) values (now(), 0)',
      `select audit_make_month('2031-01-01')`,
      `drop table audit_${monthAhead(0)}`,
      'alter table audit detach partition audit_rest',
    ])
      await expect(app.unsafe(statement)).rejects.toMatchObject({ code: '42501' });
    for (const month of await months()) {
      await expect(app.unsafe(`delete from ${month}`)).rejects.toMatchObject({ code: '42501' });
      await expect(app.unsafe(`update ${month} set status = 1`)).rejects.toMatchObject({ code: '42501' });
    }
  });
});

describe('npm run audit:verify', () => {
  it('names the first row that was changed, removed or inserted', async () => {
    const [, , , id = '', later = ''] = (await ids()).toReversed();
    const some = [
      [`update audit set account_name = 'somebody else' where id in (${id}, ${later})`, `row ${id} `],
      [`delete from audit where id in (${id}, ${later})`, `row ${id} `],
      [`delete from audit where id = ${id}; delete from audit_seals where audit_id = ${id}`, `row ${later} `],
      [
        `insert into audit (at, kind, address, action, xact) values (now() - interval '2 minutes', 'answer', '', 'between', '1')`,
        '1 rows from ',
      ],
    ] as const;
    const others = [
      [`update audit set at = at + interval '1 second' where id = ${id}`, `row ${id} `],
      [`update audit set detail = '{}' where id = ${id}`, `row ${id} `],
      [`delete from audit_seals where audit_id = ${id}`, `row ${later} `],
      [`update audit_seals set hash = sha256('x') where audit_id = ${id}`, `row ${id} `],
    ] as const;
    for (const [statement, said] of [...some, ...(isLong ? others : [])]) {
      const { code, text } = await tampered(statement);
      expect([statement, code]).toEqual([statement, 1]);
      expect(text).toContain(said);
    }
    expect(await verify()).toMatchObject({ code: 0 });
  });

  it('is also a job of the gateway, which keeps its result and survives a crash', async () => {
    const { authorization } = await world.admin();
    const path = '/api/audit/verification';
    const now = async () => (await world.http.get(path).set('authorization', authorization).expect(200)).body;
    const requested = await world.http.post(path).set('authorization', authorization).expect(202);
    expect(requested.body).toMatchObject({ requested_by: 'admin' });
    await expect
      .poll(now, { timeout: 20_000 })
      .toMatchObject({ sealing: 'sealing', check: { state: 'completed', fault: null, unsealed: null } });
    const { check } = z
      .object({ check: z.looseObject({ rows: z.number(), position: z.string(), hash: z.string() }) })
      .parse(await now());
    expect(check.rows).toBeGreaterThan(0);
    expect(await verify('--expect', `${check.position}:${check.hash}`)).toMatchObject({ code: 0 });
    // A check whose process has crashed begins again. It finds what was changed meanwhile.
    const [, , , id = ''] = (await ids()).toReversed();
    await world.sql`update audit set account_name = 'somebody else' where id = ${id}`;
    await world.sql`
      insert into audit_checks (state, requested_by, started_at, held_until, tries)
      values ('running', 'crashed', now(), now() - interval '1 second', 1)`;
    await expect
      .poll(now, { timeout: 20_000 })
      .toMatchObject({ check: { requested_by: 'crashed', fault: expect.stringContaining(`row ${id} `) } });
    await world.sql`update audit set account_name = null where id = ${id}`;
  });

  it('holds the end of the chain to a seal that was noted in the log', async () => {
    const [noted = ''] = /"sealed":"\d+:[0-9a-f]{64}"/.exec(await world.gateway.logged()) ?? [];
    expect(await verify('--expect', noted.slice(10, -1))).toMatchObject({ code: 0 });
    await ids();
    const [, seal = ''] = /seal (\d+:[0-9a-f]{64})/.exec((await verify()).text) ?? [];
    expect(await verify('--expect', seal)).toMatchObject({ code: 0 });
    const cut = `delete from audit using audit_seals where audit_id = id and position > (select max(position) - 3 from audit_seals);
      delete from audit_seals where position > (select max(position) - 3 from audit_seals)`;
    expect(await tampered(cut)).toMatchObject({ code: 0 });
    const { code, text } = await tampered(cut, ['--expect', seal]);
    expect([code, text]).toEqual([1, expect.stringContaining('cut off')]);
    expect(await verify('--expect', `${seal.split(':')[0]}:${'0'.repeat(64)}`)).toMatchObject({ code: 1 });
  });

  it('says how it is used', async () => {
    expect(await verify('--nonsense')).toMatchObject({ code: 2, text: expect.stringContaining('--expect') });
  });
});
