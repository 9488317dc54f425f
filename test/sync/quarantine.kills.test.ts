import { setTimeout as sleep } from 'node:timers/promises';
import request from 'supertest';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { archived } from '../dicomweb/stow.answers.ts';
import { type BreakingProxy, startBreakingProxy } from '../support/breaking.proxy.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { isLong, longForm } from '../support/long.form.ts';
import { startWorld, type Caller, type World } from '../support/world.ts';

const SOON = { timeout: 20_000, interval: 200 };
const Items = z.object({ items: z.array(z.object({ id: z.string() })) });

let world: World;
let proxy: BreakingProxy;
/**
 * A second gateway with the same database and a proxy in front of the archive. The test sends decisions to this gateway and interrupts
 * them.
 */
let victim: TestGateway;
let sender: Caller;
let operator: Caller;
beforeAll(async () => {
  world = await startWorld();
  proxy = await startBreakingProxy(world.orthanc.url);
  sender = await world.machine();
  operator = await world.person({ rights: ['system:operate'], scope: { kind: 'all' } });
});
afterAll(async () => {
  await world?.stop();
  await proxy?.stop();
});
const startVictim = async () => {
  const { PORT: _, DATA_DIR: __, ...env } = world.gateway.env;
  victim = await startTestGateway({ ...env, ORTHANC_URL: proxy.url });
};
const stopVictim = () => victim.stop();

async function kill(): Promise<void> {
  process.kill(victim.pid, 'SIGKILL');
  await victim.exited;
}

/**
 * Creates a study of the patient FIRST, and one instance of the patient SECOND with the same study UID. The instance of SECOND is in
 * quarantine.
 */
async function contested() {
  const studyUid = freshUid();
  await world.store(sender, [makeInstance({ studyUid, patientId: 'FIRST' })]).expect(200);
  const body = new Uint8Array(makeInstance({ studyUid, patientId: 'SECOND' }));
  expect((await world.archive('/instances', { method: 'POST', body })).status).toBe(200);
  const waiting = () => world.sql`select quarantine as id from quarantined where study_uid = ${studyUid}`;
  await expect.poll(async () => (await waiting()).length, SOON).toBe(1);
  const [item] = await waiting();
  return { studyUid, id: String(item?.['id']), held: await archived(world) };
}

function decide(id: string, body: object, at = world.gateway.url) {
  return request(at)
    .post(`/api/quarantine/${id}/decide`)
    .set('authorization', operator.authorization)
    .send(body);
}

/** Sends the decision to the second gateway and returns the outcome. */
const decideThere = (id: string, body: object) =>
  decide(id, body, victim.url).then(
    ({ status }) => status,
    () => 'cut',
  );

async function shown(studyUid: string) {
  const rows = await world.sql`
    select p.patient_id as patient, s.instance_count::int as instances from studies s join patients p on p.id = s.patient
    where s.study_uid = ${studyUid} and s.instance_count > 0`;
  return [...rows];
}

const DECISIONS = {
  discard: { decision: 'discard' },
  're-identify': { decision: 're-identify', patient_id: 'FIRST' },
  accept: { decision: 'accept' },
};
/**
 * The state after each decision: the visible patient and instances of the study, the change of the number of instances in the archive, and
 * the patients in quarantine.
 */
const ENDS = {
  discard: { shown: [{ patient: 'FIRST', instances: 1 }], archive: -1, waiting: [] },
  're-identify': { shown: [{ patient: 'FIRST', instances: 2 }], archive: 0, waiting: [] },
  accept: { shown: [{ patient: 'SECOND', instances: 1 }], archive: 0, waiting: ['FIRST'] },
};
/** Every request that a decision sends to the archive, in order. */
const STEPS = [
  ['discard', /^DELETE \/instances\//],
  ['re-identify', /^GET \/instances\/[^/]+\/series /],
  ['re-identify', /^POST \/instances\/[^/]+\/modify /],
  ['re-identify', /^POST \/instances /],
  ['re-identify', /^DELETE \/instances\//],
] as const;

describe('a decision that is killed', () => {
  beforeEach(startVictim);
  afterEach(stopVictim);

  const all = STEPS.flatMap(([kind, step]) => [
    [kind, 'request', step] as const,
    [kind, 'answer', step] as const,
  ]);
  // `npm test` runs two cases: an interruption before the deletion in the archive, and an interruption after the archive has stored the new
  // copy.
  it.each(longForm(all, [all[0]!, all[7]!]))(
    '%s at the %s of %s is taken up by another gateway and ends as without it',
    async (kind, at, step) => {
      const { studyUid, id, held } = await contested();
      const sprung = proxy.trap(step, at);
      const cut = decideThere(id, DECISIONS[kind]);
      await sprung;
      // The decision is stored, and no database transaction waits for the archive.
      expect(await world.sql`select state from quarantine_decisions where quarantine = ${id}`).toMatchObject([
        { state: 'open' },
      ]);
      await sleep(600);
      expect(await idleTransactions()).toBe(0);
      await kill();
      expect(await cut).toBe('cut');
      await expect
        .poll(() => world.sql`select state from quarantine_decisions where quarantine = ${id}`, SOON)
        .toMatchObject([{ state: 'done' }]);
      const end = ENDS[kind];
      await expect.poll(() => shown(studyUid), SOON).toEqual(end.shown);
      expect(await archived(world)).toBe(held + end.archive);
      const left = await world.sql`select patient_id from quarantined where study_uid = ${studyUid}`;
      expect(left.map((row) => String(row['patient_id']))).toEqual(end.waiting);
    },
  );

  it('accept, between the intent and the row, is taken up too', async () => {
    const { studyUid, id } = await contested();
    const sprung = proxy.trap(/^GET \/instances\/[^/]+\/file /, 'answer');
    void decideThere(id, DECISIONS.accept);
    await sprung;
    await kill();
    await expect.poll(() => shown(studyUid), SOON).toEqual(ENDS.accept.shown);
  });
});

async function idleTransactions(): Promise<number> {
  const [row] = await world.sql`
    select count(*)::int as count from pg_stat_activity
    where datname = current_database() and state like 'idle in transaction%' and application_name like 'radgate%'
      and clock_timestamp() - state_change > interval '500 milliseconds'`;
  return Number(row?.['count']);
}

describe('deciding', () => {
  it('for the identity that it has is refused: its only copy is not deleted', async () => {
    const { id, held } = await contested();
    await decide(id, { decision: 're-identify', patient_id: 'SECOND' }).expect(409);
    expect(await archived(world)).toBe(held);
    await decide(id, DECISIONS.discard).expect(200);
  });

  it('is for whoever operates the system, and says what waits', async () => {
    const { studyUid, id } = await contested();
    const answer = await world.http
      .get(`/api/quarantine?q=${studyUid}`)
      .set('authorization', operator.authorization)
      .expect(200);
    expect(Items.parse(answer.body).items).toEqual([{ id }]);
    await decide(id, DECISIONS.discard).expect(200, { id, decision: 'discard', instances: 1 });
    await decide(id, DECISIONS.discard).expect(404);
  });
});

describe('an archive that hangs', () => {
  beforeEach(startVictim);
  afterEach(stopVictim);

  it('of three decisions at once one wins, the others are told 409, and it is done once', async () => {
    const { studyUid, id, held } = await contested();
    // The archive hangs, so the first decision cannot end before the other decisions arrive.
    proxy.stall(true);
    const settled: (number | string)[] = [];
    const kinds = ['discard', 're-identify', 'discard'] as const;
    const answers = kinds.map(async (kind) => {
      const status = await decideThere(id, DECISIONS[kind]);
      settled.push(status);
      return status;
    });
    await expect.poll(() => settled, SOON).toEqual([409, 409]);
    proxy.stall(false);
    const statuses = await Promise.all(answers);
    expect(settled).toEqual([409, 409, 200]);
    const won = kinds[statuses.indexOf(200)] ?? 'discard';
    await expect.poll(() => shown(studyUid), SOON).toEqual(ENDS[won].shown);
    expect(await archived(world)).toBe(held + ENDS[won].archive);
  });

  it('while the archive hangs holds no connection of the database, and is done when it answers again', async () => {
    const all = [];
    for (let count = 0; count < 3; count += 1) all.push(await contested());
    proxy.stall(true);
    const answers = all.map(({ id }) => decideThere(id, DECISIONS.discard));
    const open = () => world.sql`select id from quarantine_decisions where state = 'open'`;
    await expect.poll(async () => (await open()).length, SOON).toBe(all.length);
    await sleep(1000);
    expect(await idleTransactions()).toBe(0);
    // The long form waits until the time limit of calls to the archive (20 s) ends the requests. No lock may end them.
    if (isLong) for (const status of await Promise.all(answers)) expect(status).toBe(503);
    expect(await idleTransactions()).toBe(0);
    proxy.stall(false);
    await Promise.all(answers);
    await expect.poll(async () => (await open()).length, SOON).toBe(0);
    for (const { studyUid } of all) expect(await shown(studyUid)).toEqual(ENDS.discard.shown);
    expect(await archived(world)).toBe((all.at(-1)?.held ?? 0) - all.length);
  });
});
