import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { longForm } from '../support/long.form.ts';
import type { Caller, World } from '../support/world.ts';
import { archived, bigInstance, catalogued, openStore, told } from './stow.answers.ts';

/** The number of repetitions of each race between two senders. */
const ROUNDS = longForm(6, 1);

/** The number of instances of each of eight senders. */
const EACH = longForm(5, 2);

/** More than the gateway sends to the archive at the same time. */
const LEAVING = longForm(50, 17);

let world: World;

let one: Caller;

let two: Caller;

/** Sends two STOW requests at the same time, one for each account. Returns the sorted statuses. */
async function both(first: Buffer, second: Buffer): Promise<number[]> {
  const answers = await Promise.all([world.store(one, [first]), world.store(two, [second])]);
  return answers.map((answer) => answer.status).sort((a, b) => a - b);
}

/** The scenarios of senders that store at the same time. */
export function registerStowTogether(shared: () => World): void {
  describe('concurrent senders', () => {
    beforeAll(async () => {
      world = shared();
      [one, two] = [await world.machine(), await world.machine()];
    });

    describe('senders in the same instant', () => {
      it('a new study with two patients: one is stored, the other is told the conflict', async () => {
        for (let round = 0; round < ROUNDS; round += 1) {
          const studyUid = freshUid();
          const files = ['A', 'B'].map((patientId) => makeInstance({ studyUid, patientId }));
          expect(await both(files[0] ?? Buffer.alloc(0), files[1] ?? Buffer.alloc(0))).toEqual([200, 409]);
          expect(await catalogued(world, studyUid)).toMatchObject({
            instances: 1,
            counted: 1,
            series: 1,
            pending: 0,
          });
        }
      });

      it('forty instances in one request are inserted by few transactions, each with its own answer', async () => {
        const [studyUid, seriesUid] = [freshUid(), freshUid()];
        const files = Array.from({ length: 40 }, () => makeInstance({ studyUid, seriesUid }));
        const twice = files[7] ?? Buffer.alloc(0);
        const foreign = makeInstance({ studyUid, seriesUid, patientId: 'another of forty' });
        const answer = await world.store(one, [...files.slice(0, 20), twice, foreign, ...files.slice(20)]);
        expect(answer.status).toBe(202);
        const { stored, failed } = told(answer);
        expect([stored.length, new Set(stored).size, Object.values(failed)]).toEqual([41, 40, [0x0110]]);
        expect(await catalogued(world, studyUid)).toMatchObject({ instances: 40, counted: 40, pending: 0 });
        const [row] = await world.sql`
          select count(distinct instances.xmin::text)::int as transactions from instances
          join series on series.id = instances.series where series_uid = ${seriesUid}`;
        expect(row?.['transactions']).toBeLessThanOrEqual(20);
      });

      it('one instance with the same content: both are told it is stored, and it is stored once', async () => {
        for (let round = 0; round < ROUNDS; round += 1) {
          const studyUid = freshUid();
          const file = makeInstance({ studyUid });
          const before = await archived(world);
          expect(await both(file, file)).toEqual([200, 200]);
          expect(await archived(world)).toBe(before + 1);
          expect(await catalogued(world, studyUid)).toMatchObject({ instances: 1, counted: 1, pending: 0 });
        }
      });

      it('one SOP Instance UID with two contents: one is stored, the other is 0x0111', async () => {
        for (let round = 0; round < ROUNDS; round += 1) {
          const uids = { studyUid: freshUid(), seriesUid: freshUid(), sopUid: freshUid() };
          const file = (studyDescription: string) => makeInstance({ ...uids, studyDescription });
          expect(await both(file('a'), file('b'))).toEqual([200, 409]);
          expect(await catalogued(world, uids.studyUid)).toMatchObject({ instances: 1, pending: 0 });
        }
      });

      it('eight senders of one new series make one study, one series, and counts that are right', async () => {
        for (let round = 0; round < longForm(3, 1); round += 1) {
          const [studyUid, seriesUid] = [freshUid(), freshUid()];
          const batches = Array.from({ length: 8 }, () =>
            Array.from({ length: EACH }, () => makeInstance({ studyUid, seriesUid })),
          );
          const answers = await Promise.all(
            batches.map((files, at) => world.store(at % 2 === 0 ? one : two, files)),
          );
          expect(answers.map((answer) => answer.status)).toEqual(Array.from({ length: 8 }, () => 200));
          expect(await catalogued(world, studyUid)).toEqual({
            instances: 8 * EACH,
            counted: 8 * EACH,
            series: 1,
            pending: 0,
          });
        }
      });

      it('stores and refusals of one series do not wait for each other in a circle', async () => {
        const [studyUid, seriesUid] = [freshUid(), freshUid()];
        const good = Array.from({ length: 12 }, () => makeInstance({ studyUid, seriesUid }));
        const answers = await Promise.all([
          ...good.map((file) => world.store(one, [file])),
          ...good.map((file) => world.store(two, [file.subarray(0, -10)])),
          ...good.map((file) => world.store(two, [file])),
        ]);
        const statuses = answers.map((answer) => answer.status);
        expect(statuses.filter((status) => status === 200)).toHaveLength(24);
        expect(statuses.filter((status) => status === 409)).toHaveLength(12);
        expect(await catalogued(world, studyUid)).toEqual({
          instances: 12,
          counted: 12,
          series: 1,
          pending: 0,
        });
      });
    });

    describe('a reservation lost on the way', () => {
      it('is taken up again: the instance is stored, and its sender’s', async () => {
        const studyUid = freshUid();
        const file = bigInstance(2_000_000, { studyUid });
        const store = openStore(world, one);
        await store.write(store.part);
        await store.write(file.subarray(0, 1_900_000));
        await expect.poll(() => catalogued(world, studyUid)).toMatchObject({ pending: 1 });
        // Simulates that the study was deleted in the archive, or that the gateway process was suspended for a long time.
        await world.sql`delete from studies where study_uid = ${studyUid}`;
        store.request.end(Buffer.concat([file.subarray(1_900_000), Buffer.from(store.close)]));
        expect((await store.answer).status).toBe(200);
        expect(await catalogued(world, studyUid)).toEqual({
          instances: 1,
          counted: 1,
          series: 1,
          pending: 0,
        });
        const [row] =
          await world.sql`select created_by as creator from studies where study_uid = ${studyUid}`;
        expect(row).toEqual({ creator: one.id });
      });

      it('and the place taken by another meanwhile: it is refused, taken back out of the archive, and shown to nobody', async () => {
        const studyUid = freshUid();
        const before = await archived(world);
        const file = bigInstance(2_000_000, { studyUid, patientId: 'A' });
        const store = openStore(world, one);
        await store.write(store.part);
        await store.write(file.subarray(0, 1_900_000));
        await expect.poll(() => catalogued(world, studyUid)).toMatchObject({ pending: 1 });
        await world.sql`delete from studies where study_uid = ${studyUid}`;
        await world.store(two, [makeInstance({ studyUid, patientId: 'B' })]).expect(200);
        store.request.end(Buffer.concat([file.subarray(1_900_000), Buffer.from(store.close)]));
        const answer = await store.answer;
        expect([answer.status, told(answer).stored]).toEqual([409, []]);
        expect(await catalogued(world, studyUid)).toEqual({
          instances: 1,
          counted: 1,
          series: 1,
          pending: 0,
        });
        const rows = await world.sql`select p.patient_id as patient from studies s
      join patients p on p.id = s.patient where s.study_uid = ${studyUid}`;
        expect(rows).toEqual([{ patient: 'B' }]);
        // The watcher may find the instance before the request ends. Then the instance is in quarantine and is not shown either.
        const aside = (await world.sql`select 1 from quarantined where study_uid = ${studyUid}`).length;
        expect(await archived(world)).toBe(before + 1 + aside);
      });
    });

    describe('a sender who leaves', () => {
      it('gives everything back at once: nothing is visible, and the next store is clean', async () => {
        const [studyUid, sopUid] = [freshUid(), freshUid()];
        const file = bigInstance(2_000_000, { studyUid, sopUid });
        const left = openStore(world, one);
        await left.write(left.part);
        await left.write(file.subarray(0, file.length - 1000));
        await expect.poll(() => catalogued(world, studyUid)).toMatchObject({ pending: 1 });
        left.request.destroy();
        await expect(left.answer).rejects.toThrow();
        await expect.poll(() => world.sql`select 1 from studies where study_uid = ${studyUid}`).toEqual([]);
        expect(await catalogued(world, studyUid)).toMatchObject({ pending: 0 });
        expect(told(await world.store(two, [file]).expect(200)).stored).toEqual([sopUid]);
      });

      it('has settled nothing: the next one with another patient has waited, and creates the study', async () => {
        const studyUid = freshUid();
        const large = bigInstance(2_000_000, { studyUid, patientId: 'A' });
        const left = openStore(world, one);
        await left.write(left.part);
        await left.write(large.subarray(0, 1_900_000));
        await expect.poll(() => catalogued(world, studyUid)).toMatchObject({ pending: 1 });
        const waiting = world
          .store(two, [makeInstance({ studyUid, patientId: 'B' })])
          .then((answer) => answer.status);
        await sleep(500);
        expect(await catalogued(world, studyUid)).toMatchObject({ instances: 0 });
        left.request.destroy();
        expect(await waiting).toBe(200);
        const rows = await world.sql`select s.created_by as creator, p.patient_id as patient from studies s
      join patients p on p.id = s.patient where s.study_uid = ${studyUid}`;
        expect(rows).toEqual([{ creator: two.id, patient: 'B' }]);
      });

      it(`${LEAVING} of them, each in the middle of a large instance, leave the archive free`, async () => {
        const senders = await Promise.all(
          Array.from({ length: LEAVING }, async () => {
            const file = bigInstance(2_000_000);
            const sender = openStore(world, one);
            await sender.write(sender.part);
            await sender.write(file.subarray(0, 1_500_000));
            return sender;
          }),
        );
        // Stalled senders must not block the archive or the gateway for other senders.
        await world.store(two, [makeInstance()]).expect(200);
        for (const sender of senders) sender.request.destroy();
        // The time limit is shorter than the lifetime of a reservation.
        await expect.poll(() => catalogued(world), { timeout: 10_000 }).toMatchObject({ pending: 0 });
        const large = bigInstance(4_000_000);
        await Promise.all(
          Array.from({ length: longForm(4, 2) }, () => world.store(two, [large]).expect(200)),
        );
      });
    });
  });
}
