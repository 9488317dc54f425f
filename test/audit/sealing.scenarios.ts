import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { beforeAll, describe, expect, it } from 'vitest';
import type { World } from '../support/world.ts';

let world: World;

/** Waits until every row has a seal, except the rows of open transactions. */
async function sealed(count: number): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const [row] = await world.sql`select count(*)::int as n from audit_seals`;
    if (row?.['n'] === count) return;
    await sleep(100);
  }
  throw new Error(`there are not ${count} seals`);
}

const rows = async () => (await world.sql`select count(*)::int as n from audit`)[0]?.['n'];

/** The scenarios of the chain of seals. The audit must be empty. */
export function registerAuditChain(given: () => World): void {
  describe('the seals', () => {
    beforeAll(async () => {
      world = given();
    });

    describe('the chain over the audit', () => {
      it('covers each row and the seal before it', async () => {
        await world.admin();
        await world.admin();
        await sealed(2);
        const chain = await world.sql.begin(async (sql) => {
          await sql`set local timezone to 'UTC'`;
          return sql<{ text: string; hash: Buffer }[]>`
        select to_jsonb(audit)::text as text, hash from audit_seals join audit on audit.id = audit_id order by position`;
        });
        let hash = Buffer.alloc(0);
        for (const { text, hash: seal } of chain) {
          hash = createHash('sha256').update(hash).update(text).digest();
          expect(seal.equals(hash)).toBe(true);
        }
      });

      it('takes a transaction that began earlier and commits late when it commits, and keeps no other waiting', async () => {
        const before = await rows();
        await sealed(before);
        await world.sql.begin(async (late) => {
          await late`insert into audit (kind, address, action) values ('answer', 'test', 'late')`;
          await world.admin();
          await sealed(before + 1);
          await world.admin();
          await sealed(before + 2);
        });
        await sealed(before + 3);
        const order = await world.sql`
      select action from audit_seals join audit on audit.id = audit_id order by position desc limit 2`;
        expect(order.map((row) => row['action'])).toEqual(['late', 'POST /api/auth/login']);
      });

      it('cannot be changed by the role of the gateway, and neither can a row', async () => {
        const gateway = postgres(world.database.appUrl, { max: 1 });
        for (const statement of [
          `update audit set account_name = 'x'`,
          'delete from audit',
          'truncate audit',
          'delete from audit_rest',
          `update audit_seals set hash = ''`,
          'delete from audit_seals',
        ]) {
          await expect(gateway.unsafe(statement)).rejects.toThrow('permission denied');
        }
        await gateway.end();
      });
    });
  });
}
