import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { archived, bigInstance, catalogued, openStore, type SlowStore } from '../dicomweb/stow.answers.ts';
import type { Caller, World } from '../support/world.ts';

/** The time within which the gateway must insert an instance whose upload was interrupted. */
const SOON = { timeout: 5000, interval: 100 };

/** The keys of an instance of this size, in bytes, are reserved before the gateway has received all bytes. */
const LARGE = 1_500_000;

let world: World;

let sender: Caller;

/** Resolves when the gateway has read all entries of the change feed. */
async function feedRead(): Promise<void> {
  const { Last: last } = z
    .object({ Last: z.number() })
    .parse(await (await world.archive('/changes?last')).json());
  const position = async () => (await world.sql`select position from archive_cursor`)[0]?.['position'];
  await expect.poll(async () => Number(await position()), SOON).toBeGreaterThanOrEqual(last);
}

/** Begins to store a file and does not send its last bytes. Resolves when the gateway has `reserved` reservations in all. */
async function beginStore(file: Buffer, reserved: number): Promise<SlowStore> {
  const store = openStore(world, sender);
  await store.write(store.part);
  await store.write(file.subarray(0, -100));
  await expect.poll(() => catalogued(world)).toMatchObject({ pending: reserved });
  return store;
}

async function killGateway(...stores: readonly SlowStore[]): Promise<void> {
  process.kill(world.gateway.pid, 'SIGKILL');
  await world.gateway.exited;
  for (const store of stores) await expect(store.answer).rejects.toThrow();
}

/** Starts a second gateway after the reservations of the killed gateway have expired. */
async function startAnother(): Promise<void> {
  await world.sql`update pending set expires_at = clock_timestamp()`;
  const dead = world.gateway;
  world.gateway = await world.secondGateway();
  await dead.stop();
}

/** The scenarios of uploads that a kill of the gateway interrupts, all by one kill. The sweep must be stopped. */
export function registerInterruptedUploads(shared: () => World): void {
  describe('interrupted uploads', () => {
    beforeAll(async () => {
      world = shared();
      sender = await world.machine();
    });

    it('an upload that the archive completed, and the change feed listed, before a kill is inserted without a sweep; so is an instance that waited for another upload into its study', async () => {
      const [studyUid, waitingUid] = [freshUid(), freshUid()];
      const file = bigInstance(LARGE, { studyUid });
      const begun = await beginStore(bigInstance(LARGE, { studyUid: waitingUid }), 1);
      const other = new Uint8Array(makeInstance({ studyUid: waitingUid }));
      expect((await world.archive('/instances', { method: 'POST', body: other })).status).toBe(200);
      await feedRead();
      expect(await catalogued(world, waitingUid)).toMatchObject({ instances: 0, pending: 1 });
      const before = await archived(world);
      const store = await beginStore(file, 2);
      await world.sql.begin(async (tx) => {
        // This lock permits reservations but blocks their completion.
        await tx`select from studies where study_uid = ${studyUid} for no key update`;
        await store.write(file.subarray(-100));
        await store.write(store.close);
        await expect.poll(() => archived(world)).toBe(before + 1);
        await feedRead();
        await killGateway(store, begun);
      });
      await startAnother();
      await expect
        .poll(() => catalogued(world, studyUid), SOON)
        .toMatchObject({ instances: 1, counted: 1, series: 1 });
      const left = await world.sql`
        select from pending p join series e on e.id = p.series join studies s on s.id = e.study
        where s.study_uid = ${studyUid}`;
      expect(left).toEqual([]);
      const [study] = await world.sql`select created_by from studies where study_uid = ${studyUid}`;
      expect(study?.['created_by']).toBe(sender.id);
      await expect
        .poll(() => catalogued(world, waitingUid), SOON)
        .toMatchObject({ instances: 1, counted: 1 });
    });
  });
}
