import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { countUnsealed, verifyAudit } from '../support/audit.chain.ts';
import { startWorld, type World } from '../support/world.ts';

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

const verify = () => verifyAudit(world.database.ownerUrl);
const sealed = () =>
  vi.waitFor(async () => expect(await countUnsealed(world.sql)).toBe(0), { timeout: 20_000, interval: 200 });
const months = async () =>
  (await world.sql`select relname from pg_class where relname like 'audit_2019_%' and relkind = 'r'`).map(
    (row) => String(row['relname']),
  );
const Told = z.object({ rows: z.number(), from: z.string(), to: z.string(), first_seal: z.string() });

it('a chain that stopped is reported before recovery: rows without a seal cannot be verified', async () => {
  await world.admin();
  await sealed();
  expect((await verify()).text).not.toContain('sealed late');

  world.gateway.kill();
  await world.gateway.exited;
  // Simulates that the sealer has stopped: earlier rows have seals, and these rows of a past month and of today have none.
  await app`insert into audit (at, kind, address, action)
    select '2019-05-15'::timestamptz + n * interval '1 hour', 'answer', 'test', 'unsealed ' || n from generate_series(1, 30) n`;
  await app`insert into audit (at, kind, address, action)
    select now() - n * interval '5 minutes', 'answer', 'test', 'unsealed today' from generate_series(1, 12) n`;
  await app`select audit_keep()`;
  expect(await months()).toEqual(['audit_2019_05']);
  await world.sql`update audit set account_name = 'somebody else' where action = 'unsealed 7'`;
  await world.sql`delete from audit where action = 'unsealed 8'`;
  const before = await verify();
  expect(before.code).toBe(1);
  expect(before.text).toMatch(
    /41 rows from 2019-05-15 01:00:00\+00 to .* have no seal: .*cannot be verified/,
  );
});

describe('once a gateway runs again', () => {
  beforeAll(async () => {
    world.gateway = await world.secondGateway();
    await sealed();
  });

  it('a row that was changed meanwhile is never called unchanged: a sealed row tells of what was sealed late', async () => {
    const after = await verify();
    expect(after.code).toBe(0);
    expect(after.text).toMatch(
      /41 rows from 2019-05-15 01:00:00\+00 to .* were sealed late .*cannot be detected/,
    );
    const [note, ...more] = await world.sql`
    select detail, position::text as position from audit join audit_seals on audit_id = id and audit_at = at
    where action = 'audit sealed late'`;
    expect(more).toEqual([]);
    const told = Told.parse(note?.['detail']);
    expect(told).toMatchObject({ rows: 41, from: '2019-05-15 01:00:00+00' });
    // The audit row about the late sealing is sealed directly after the rows that were sealed late.
    expect(Number(note?.['position'])).toBe(Number(told.first_seal) + told.rows);
    const { authorization } = await world.admin();
    for (const format of ['json', 'csv', 'fhir']) {
      const answer = await world.http
        .get('/api/audit')
        .query({ kind: 'sealing', format })
        .set('authorization', authorization)
        .buffer(true)
        .expect(200);
      expect(answer.text).toContain('audit sealed late');
    }
  });

  it('a row that was sealed late is held to what it was then', async () => {
    await world.sql`update audit set account_name = 'a third' where action = 'unsealed 7'`;
    const { code, text } = await verify();
    expect([code, text]).toEqual([1, expect.stringContaining('is not as it was sealed')]);
    await world.sql`update audit set account_name = 'somebody else' where action = 'unsealed 7'`;
    expect(await verify()).toMatchObject({ code: 0 });
  });

  it('a month that waited for its seals is dropped after recovery, and the chain still holds', async () => {
    await app`select audit_keep()`;
    expect(await months()).toEqual([]);
    expect(await verify()).toMatchObject({ code: 0, text: expect.stringContaining('41 rows from 2019') });
  });

  it('rows that share an id are sealed one by one', async () => {
    const [row] = await world.sql`select max(id)::text as id from audit`;
    await app`insert into audit (id, kind, address, action) overriding system value
    values (${String(row?.['id'])}, 'answer', 'test', 'an id once more')`;
    await sealed();
    expect(await verify()).toMatchObject({ code: 0 });
  });
});
