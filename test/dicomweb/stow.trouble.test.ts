import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { isLong } from '../support/long.form.ts';
import { startOwnWorld, type Caller, type OwnWorld } from '../support/world.ts';
import { archived, bigInstance, catalogued, openStore, told } from './stow.answers.ts';
import { killRound } from './stow.kills.ts';

let world: OwnWorld;
let sender: Caller;
beforeAll(async () => {
  world = await startOwnWorld();
});
beforeEach(async () => {
  sender = await world.machine(undefined, { issuer: 'WARD' });
});
afterAll(() => world?.stop());

/** `kill -9` of the gateway. */
async function killGateway(): Promise<void> {
  process.kill(world.gateway.pid, 'SIGKILL');
  await world.gateway.exited;
}

async function restartGateway(): Promise<void> {
  const dead = world.gateway;
  world.gateway = await world.secondGateway();
  await dead.stop();
}

/**
 * Starts to store an instance. Kills the gateway with SIGKILL when the archive has the instance and the catalog has only its reservation.
 */
async function killBeforeTheRow(studyUid: string, file: Buffer): Promise<void> {
  const before = await archived(world);
  const store = openStore(world, sender);
  await store.write(store.part);
  await store.write(file.subarray(0, file.length - 100));
  await expect.poll(() => catalogued(world, studyUid)).toMatchObject({ pending: 1 });
  await world.sql.begin(async (tx) => {
    // This lock permits reservations but blocks their completion.
    await tx`select from studies where study_uid = ${studyUid} for no key update`;
    await store.write(file.subarray(file.length - 100));
    await store.write(store.close);
    await expect.poll(() => archived(world)).toBe(before + 1);
    await killGateway();
  });
  await expect(store.answer).rejects.toThrow();
}

async function ownerOf(studyUid: string) {
  const [row] = await world.sql<{ owner: string; issuer: string }[]>`
    select s.created_by as owner, p.issuer from studies s join patients p on p.id = s.patient
    where s.study_uid = ${studyUid} and s.instance_count > 0`;
  return row;
}

describe('kill -9 of the gateway', () => {
  it('in the middle of a large instance: nothing half is there, and a repeat is clean within the reservation’s life', async () => {
    const [studyUid, first, second] = [freshUid(), freshUid(), freshUid()];
    const files = [
      bigInstance(2_000_000, { studyUid, sopUid: first }),
      bigInstance(6_000_000, { studyUid, sopUid: second }),
    ];
    const [small = Buffer.alloc(0), large = Buffer.alloc(0)] = files;
    const store = openStore(world, sender);
    await store.write(store.part);
    await store.write(small);
    await store.write(store.part);
    await store.write(large.subarray(0, 4_000_000));
    await expect.poll(() => catalogued(world, studyUid)).toMatchObject({ instances: 1, pending: 1 });
    await killGateway();
    await expect(store.answer).rejects.toThrow();
    await restartGateway();
    expect(await catalogued(world, studyUid)).toMatchObject({ instances: 1, counted: 1 });
    // The long form waits for the whole life of the reservation (12 s).
    if (!isLong) await world.sql`update pending set expires_at = clock_timestamp() + interval '1 second'`;
    const answer = await world.store(sender, files).expect(200);
    expect(told(answer).stored).toEqual([first, second]);
    expect(await catalogued(world, studyUid)).toEqual({ instances: 2, counted: 2, series: 2, pending: 0 });
  });

  it('between the archive’s storing and the row: the instance is adopted for its owner', async () => {
    const studyUid = freshUid();
    await killBeforeTheRow(studyUid, bigInstance(2_000_000, { studyUid }));
    await world.sql`update pending set expires_at = clock_timestamp()`;
    await restartGateway();
    await expect
      .poll(() => catalogued(world, studyUid), { timeout: 5000 })
      .toEqual({ instances: 1, counted: 1, series: 1, pending: 0 });
    expect(await ownerOf(studyUid)).toEqual({ owner: sender.id, issuer: 'WARD' });
  });

  // The slowest cases run only in the long form.
  if (isLong) {
    it('the same, found only hours later: still its owner’s', async () => {
      const studyUid = freshUid();
      await killBeforeTheRow(studyUid, makeInstance({ studyUid, rows: 64, columns: 64 }));
      await world.sql`update pending set expires_at = clock_timestamp() - interval '5 hours'`;
      // The change feed was read to its end before the crash.
      const last: unknown = await (await world.archive('/changes?last')).json();
      const position = typeof last === 'object' && last && 'Last' in last ? Number(last.Last) : 0;
      await world.sql`update archive_cursor set position = ${position}`;
      await restartGateway();
      await expect
        .poll(() => ownerOf(studyUid), { timeout: 5000 })
        .toEqual({ owner: sender.id, issuer: 'WARD' });
    });

    it('the same, and its sender repeats: 200, once', async () => {
      const studyUid = freshUid();
      const file = bigInstance(2_000_000, { studyUid });
      await killBeforeTheRow(studyUid, file);
      await restartGateway();
      const before = await archived(world);
      await world.store(sender, [file]).expect(200);
      expect(await archived(world)).toBe(before);
      expect(await catalogued(world, studyUid)).toEqual({ instances: 1, counted: 1, series: 1, pending: 0 });
      expect(await ownerOf(studyUid)).toEqual({ owner: sender.id, issuer: 'WARD' });
    });
  }
});

describe('the archive away', () => {
  it('before or during an upload gives 503, keeps acknowledged instances, and the same upload then succeeds', async () => {
    const studyUid = freshUid();
    const acknowledged = makeInstance({ studyUid });
    await world.store(sender, [acknowledged]).expect(200);
    const [small, large] = [makeInstance({ studyUid }), bigInstance(6_000_000, { studyUid })];
    const store = openStore(world, sender);
    await store.write(store.part);
    await store.write(small);
    await store.write(store.part);
    await store.write(large.subarray(0, 4_000_000));
    await expect.poll(() => catalogued(world, studyUid)).toMatchObject({ instances: 2, pending: 1 });
    await world.orthanc.kill();
    store.request.end(Buffer.concat([large.subarray(4_000_000), Buffer.from(store.close)]));
    expect((await store.answer).status).toBe(503);
    const otherStudy = freshUid();
    const files = [makeInstance({ studyUid: otherStudy }), bigInstance(3_000_000, { studyUid: otherStudy })];
    const refused = await world.store(sender, files).expect(503);
    expect(refused.headers['retry-after']).toBeDefined();
    expect(refused.text).not.toContain(otherStudy);
    await world.orthanc.restart();
    await world.store(sender, [acknowledged, small, large]).expect(200);
    await world.store(sender, files).expect(200);
    // No reservation of any study is left.
    expect(await catalogued(world, studyUid)).toMatchObject({ instances: 3, counted: 3, pending: 0 });
    expect(await catalogued(world, otherStudy)).toMatchObject({ instances: 2, counted: 2, pending: 0 });
  });
});

// test/long runs twenty rounds of 600 instances each.
describe('kill -9 at a random moment of many stores', () => {
  it.each(['gateway', 'orthanc'] as const)(
    'of the %s: nothing acknowledged is missing, nothing half is there, the repeat is clean',
    { timeout: 120_000 },
    async (victim) => {
      const { agreed } = await killRound(world, sender, victim, 40);
      expect(agreed).toBeLessThan(60);
    },
  );
});

// `npm test` measures memory in memory.test.ts.
if (isLong)
  describe('memory', () => {
    it('does not grow with the body', async () => {
      const resident = async (what: string) => {
        const status = await readFile(`/proc/${world.gateway.pid}/status`, 'utf8');
        return Number(new RegExp(`${what}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024;
      };
      const studyUid = freshUid();
      const file = () => bigInstance(10_000_000, { studyUid });
      await world.store(sender, [file(), file()]).expect(200);
      const before = await resident('VmRSS');
      const store = openStore(world, sender);
      const sent = Number(process.env['STOW_MEGABYTES'] ?? 200);
      for (let megabytes = 0; megabytes < sent; megabytes += 10) {
        await store.write(store.part);
        await store.write(file());
      }
      store.request.end(store.close);
      expect((await store.answer).status).toBe(200);
      const most = await resident('VmHWM');
      process.stderr.write(
        `gateway: ${before.toFixed()} MB before, ${most.toFixed()} MB at most, for ${sent} MB\n`,
      );
      expect(most - before).toBeLessThan(100);
    });
  });
