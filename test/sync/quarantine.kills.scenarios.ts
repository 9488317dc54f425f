import { setTimeout as sleep } from 'node:timers/promises';
import request from 'supertest';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { archived } from '../dicomweb/stow.answers.ts';
import { type BreakingProxy, startBreakingProxy } from '../support/breaking.proxy.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { isLong, longForm } from '../support/long.form.ts';
import type { Caller, World } from '../support/world.ts';

const SOON = { timeout: 20_000, interval: 100 };
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
async function startVictim(): Promise<void> {
  const { PORT: _, DATA_DIR: __, ...env } = world.gateway.env;
  victim = await startTestGateway({ ...env, ORTHANC_URL: proxy.url });
}

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
/** Every request that a decision sends to the archive, in order. ID is the archive's id of the instance. */
const STEPS = [
  ['discard', 'DELETE /instances/ID '],
  ['re-identify', 'GET /instances/ID/series '],
  ['re-identify', 'POST /instances/ID/modify '],
  ['re-identify', 'POST /instances '],
  ['re-identify', 'DELETE /instances/ID '],
] as const;

async function idleTransactions(): Promise<number> {
  const [row] = await world.sql`
    select count(*)::int as count from pg_stat_activity
    where datname = current_database() and state like 'idle in transaction%' and application_name like 'radgate%'
      and clock_timestamp() - state_change > interval '500 milliseconds'`;
  return Number(row?.['count']);
}

/** An interrupted decision. `step` is the request to the archive at which the gateway is killed. */
interface Interruption {
  readonly kind: keyof typeof DECISIONS;
  readonly at: 'request' | 'answer';
  readonly step: string;
}
/** `accept` is interrupted between the intent and the row. */
const ACCEPTING: Interruption = { kind: 'accept', at: 'answer', step: 'GET /instances/ID/file ' };
const each = [
  ...STEPS.flatMap(([kind, step]): Interruption[] => [
    { kind, at: 'request', step },
    { kind, at: 'answer', step },
  ]),
  ACCEPTING,
].map((one) => [one]);
/** Before the deletion in the archive, after the archive has stored the new copy, and before the row of an accepted instance. */
const few: Interruption[] = [
  { kind: 'discard', at: 'request', step: 'DELETE /instances/ID ' },
  { kind: 're-identify', at: 'answer', step: 'POST /instances ' },
  ACCEPTING,
];

/** Sends a decision to the second gateway, and waits until the decision is held at its step. */
async function interrupted(id: string, { kind, at, step }: Interruption) {
  // The gateway may still send requests about instances of earlier tests.
  const [instance] = await world.sql`select orthanc_id as id from quarantined where quarantine = ${id}`;
  const sprung = proxy.trap(new RegExp(`^${step.replace('ID', String(instance?.['id']))}`), at);
  const cut = decideThere(id, DECISIONS[kind]);
  await sprung;
  // The decision is stored, and no database transaction waits for the archive.
  expect(await statesOf(id)).toEqual(['open']);
  return { kind, cut };
}

async function statesOf(id: string): Promise<string[]> {
  const rows = await world.sql`select state from quarantine_decisions where quarantine = ${id}`;
  return rows.map((row) => String(row['state']));
}

/** The scenarios of decisions about instances in quarantine that a kill interrupts. */
export function registerQuarantineKills(given: () => World): void {
  describe('interrupted decisions', () => {
    beforeAll(async () => {
      world = given();
      proxy = await startBreakingProxy(world.orthanc.url);
      sender = await world.machine();
      operator = await world.person({ rights: ['system:operate'], scope: { kind: 'all' } });
      await startVictim();
    });
    afterAll(async () => {
      await victim?.stop();
      await proxy?.stop();
    });

    describe('an archive that hangs', () => {
      afterEach(() => proxy.stall(false));

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
        const all = await Promise.all([contested(), contested(), contested()]);
        const held = await archived(world);
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
        expect(await archived(world)).toBe(held - all.length);
      });
    });

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

    describe('decisions that are killed', () => {
      // Each case of the long form has its own gateway. `npm test` has only one case, so no other gateway is needed.
      afterEach(async () => {
        if (!isLong) return;
        await victim.stop();
        await startVictim();
      });

      it.each(
        longForm(each, [few]).map((cases) => ({
          cases,
          names: cases.map(({ kind, at, step }) => `${kind} at the ${at} of ${step.trim()}`).join(', '),
        })),
      )('are taken up by another gateway and end as without it: $names', async ({ cases }) => {
        const all = await Promise.all(cases.map(contested));
        const held = await archived(world);
        const begun = [];
        for (const [at, { studyUid, id }] of all.entries())
          begun.push({ studyUid, id, ...(await interrupted(id, cases[at] ?? ACCEPTING)) });
        await sleep(600);
        expect(await idleTransactions()).toBe(0);
        await kill();
        for (const { cut } of begun) expect(await cut).toBe('cut');
        // The long form waits until the ownership of the killed gateway ends.
        if (!isLong)
          await world.sql`update quarantine_decisions set held_until = clock_timestamp() where state = 'open'`;
        for (const { kind, studyUid, id } of begun) {
          await expect.poll(() => statesOf(id), SOON).toEqual(['done']);
          await expect.poll(() => shown(studyUid), SOON).toEqual(ENDS[kind].shown);
          const left = await world.sql`select patient_id from quarantined where study_uid = ${studyUid}`;
          expect(left.map((row) => String(row['patient_id']))).toEqual(ENDS[kind].waiting);
        }
        const change = begun.reduce((sum, { kind }) => sum + ENDS[kind].archive, 0);
        expect(await archived(world)).toBe(held + change);
      });
    });
  });
}
