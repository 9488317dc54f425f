import { setTimeout as sleep } from 'node:timers/promises';
import type postgres from 'postgres';
import { beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { catalogued } from '../dicomweb/stow.answers.ts';
import type { World } from '../support/world.ts';

/** The number of instances that the gateway reads from the archive and inserts together. */
const BATCH = 100;
const AT_ONCE = 4;

let world: World;

async function bring(studyUid: string, count: number): Promise<void> {
  const seriesUid = freshUid();
  const store = async () => {
    const body = new Uint8Array(makeInstance({ studyUid, seriesUid, sopUid: freshUid() }));
    expect((await world.archive('/instances', { method: 'POST', body })).status).toBe(200);
  };
  for (let left = count; left > 0; left -= AT_ONCE)
    await Promise.all(Array.from({ length: Math.min(left, AT_ONCE) }, store));
}

/** The number of connections to this database that wait for a lock on the table. Other databases of the run have tables with the same OID. */
async function waitingFor(sql: postgres.TransactionSql, table: string): Promise<number> {
  const rows = await sql`
    select from pg_locks where relation = ${table}::regclass and not granted
    and database = (select oid from pg_database where datname = current_database())`;
  return rows.length;
}

/** The scenarios of a gateway that stops among many new instances. The sweep must be stopped. */
export function registerStoppedGateway(shared: () => World): void {
  describe('a gateway that stops', () => {
    beforeAll(async () => {
      world = shared();
    });

    it('a gateway that stops among many new instances leaves none of them to a sweep', async () => {
      const [first, second] = [freshUid(), freshUid()];
      const stopped = await world.sql.begin(async (lock) => {
        await lock`lock table instances in share mode`;
        await world.sql.begin(async (tx) => {
          await tx`lock table archive_cursor in access exclusive mode`;
          // Otherwise the gateway could already have read the position, and would read only the first instances.
          await expect.poll(() => waitingFor(tx, 'archive_cursor')).toBeGreaterThan(0);
          await bring(first, BATCH);
          await bring(second, 10);
        });
        // The gateway has read all these instances with one page of the feed. It waits for the lock before it inserts the first batch.
        await expect.poll(() => waitingFor(lock, 'instances')).toBeGreaterThan(0);
        const stopping = world.gateway.stop();
        // The gateway needs some time to receive the signal.
        await sleep(1000);
        return { stopping };
      });
      await stopped.stopping;
      expect(await catalogued(world, first)).toMatchObject({ instances: BATCH });
      expect(await catalogued(world, second)).toMatchObject({ instances: 0 });
      world.gateway = await world.secondGateway();
      await expect.poll(() => catalogued(world, second)).toMatchObject({ instances: 10, counted: 10 });
    });
  });
}
