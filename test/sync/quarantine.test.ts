import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance, type InstanceOptions } from '../../infra/demo/dicom.writer.ts';
import { orthancIdOf } from '../../src/orthanc/orthanc.id.ts';
import { archived } from '../dicomweb/stow.answers.ts';
import { startWorld, type Caller, type World } from '../support/world.ts';
import { registerQuarantineKills } from './quarantine.kills.scenarios.ts';

/** The time within which the gateway must detect a change of the archive. */
const SOON = { timeout: 10_000, interval: 100 };

const Items = z.object({
  total: z.number(),
  items: z.array(
    z.looseObject({
      id: z.string(),
      reason: z.string(),
      instances: z.number(),
      study_uid: z.string(),
      patient: z.object({ issuer: z.string(), patient_id: z.string() }),
      held_by: z.looseObject({ patient_id: z.string(), study_uid: z.string() }).nullable(),
    }),
  ),
});

let world: World;
let sender: Caller;
let operator: Caller;
beforeAll(async () => {
  world = await startWorld();
  sender = await world.machine();
  operator = await world.person(
    { rights: ['system:operate'], scope: { kind: 'all' } },
    { rights: ['studies:read'], scope: { kind: 'all' } },
  );
});
afterAll(() => world?.stop());

async function bring(options: InstanceOptions): Promise<void> {
  const body = new Uint8Array(makeInstance(options));
  expect((await world.archive('/instances', { method: 'POST', body })).status).toBe(200);
}

async function waiting(study: string) {
  const answer = await world.http
    .get(`/api/quarantine?q=${study}`)
    .set('authorization', operator.authorization)
    .expect(200);
  return Items.parse(answer.body).items;
}

function decide(id: string, body: object, who = operator) {
  return world.http.post(`/api/quarantine/${id}/decide`).set('authorization', who.authorization).send(body);
}

/** The number of decisions that wait for a row in quarantine. */
async function waitingDecisions(): Promise<number> {
  const rows = await world.sql`
    select from pg_locks waiting join pg_locks held using (pid)
    where not waiting.granted and held.relation = 'quarantine_decisions'::regclass and held.mode = 'RowExclusiveLock'
      and held.database = (select oid from pg_database where datname = current_database())`;
  return rows.length;
}

async function shown(studyUid: string): Promise<Record<string, unknown> | undefined> {
  const [row] = await world.sql`
    select p.patient_id as patient, p.issuer, s.instance_count as instances from studies s join patients p on p.id = s.patient
    where s.study_uid = ${studyUid} and s.instance_count > 0`;
  return row;
}

/** A study with two instances of one patient, and two instances of another patient with the same study UID in the archive. */
async function contested() {
  const studyUid = freshUid();
  const first = [freshUid(), freshUid()].map((sopUid) => ({ studyUid, sopUid, patientId: 'FIRST' }));
  await world
    .store(
      sender,
      first.map((one) => makeInstance(one)),
    )
    .expect(200);
  const seriesUid = freshUid();
  const second = [freshUid(), freshUid()].map((sopUid) => ({
    studyUid,
    seriesUid,
    sopUid,
    patientId: 'SECOND',
  }));
  for (const one of second) await bring(one);
  await expect.poll(async () => (await waiting(studyUid))[0]?.instances, SOON).toBe(2);
  const [item] = await waiting(studyUid);
  if (item === undefined) throw new Error('nothing waits');
  return { studyUid, item, second, held: await archived(world) };
}

describe('the quarantine', () => {
  it('tells who waits, why, and whom they contradict; to operators only', async () => {
    const { studyUid, item } = await contested();
    expect(item).toMatchObject({
      reason: 'contradicts',
      instances: 2,
      study_uid: studyUid,
      patient: { issuer: '', patient_id: 'SECOND' },
      held_by: { study_uid: studyUid, issuer: 'TEST', patient_id: 'FIRST' },
    });
    const other = await world.person({ rights: ['studies:read', 'studies:delete'], scope: { kind: 'all' } });
    await world.http.get('/api/quarantine').set('authorization', other.authorization).expect(403);
    await decide(item.id, { decision: 'discard' }, other).expect(403);
    await decide('00000000-0000-4000-8000-000000000000', { decision: 'discard' }).expect(404);
    await decide(item.id, { decision: 're-identify' }).expect(422);
    await decide(item.id, { decision: 'shred' }).expect(422);
    expect(await waiting(studyUid)).toHaveLength(1);
  });

  it('shows the header values of both sides, on record', async () => {
    const { studyUid, item } = await contested();
    const { body } = await world.http
      .get(`/api/quarantine/${item.id}/sides`)
      .set('authorization', operator.authorization)
      .expect(200);
    expect(body).toMatchObject({ arrived: 'read', held: 'read' });
    const { attributes } = z
      .object({ attributes: z.array(z.looseObject({ keyword: z.string() })) })
      .parse(body);
    expect(attributes).toContainEqual({
      tag: '00100020',
      keyword: 'PatientID',
      arrived: 'SECOND',
      held: 'FIRST',
      differs: true,
    });
    expect(attributes.find(({ keyword }) => keyword === 'StudyInstanceUID')).toMatchObject({
      arrived: studyUid,
      held: studyUid,
      differs: false,
    });
    const rows = await world.sql`
      select patient_id, detail from audit where action = 'GET /api/quarantine/:id/sides' and study_uid = ${studyUid}`;
    expect(rows).toEqual([{ patient_id: 'SECOND', detail: { id: item.id } }]);
    const other = await world.person({ rights: ['studies:read'], scope: { kind: 'all' } });
    const refused = world.http.get(`/api/quarantine/${item.id}/sides`);
    await refused.set('authorization', other.authorization).expect(403);
  });

  it('lets a newcomer go by itself when what it contradicts is gone, or it is', async () => {
    const gone = await contested();
    await world.archive(`/studies/${orthancIdOf('FIRST', gone.studyUid)}`, { method: 'DELETE' });
    await expect.poll(() => shown(gone.studyUid), SOON).toMatchObject({ patient: 'SECOND', instances: 2 });
    expect(await waiting(gone.studyUid)).toEqual([]);
    const left = await contested();
    await world.archive(`/studies/${orthancIdOf('SECOND', left.studyUid)}`, { method: 'DELETE' });
    await expect.poll(() => waiting(left.studyUid), SOON).toEqual([]);
    expect(await shown(left.studyUid)).toMatchObject({ patient: 'FIRST', instances: 2 });
  });

  it('outlives the gateway', async () => {
    const { studyUid, item } = await contested();
    const dead = world.gateway;
    world.gateway = await world.secondGateway();
    await dead.stop();
    expect((await waiting(studyUid)).map(({ id, instances }) => [id, instances])).toEqual([[item.id, 2]]);
    expect(await shown(studyUid)).toMatchObject({ patient: 'FIRST' });
  });
});

const odd = async () =>
  Items.parse(
    (await world.http.get('/api/quarantine').set('authorization', operator.authorization)).body,
  ).items.find(({ reason }) => reason === 'unusable');

const listed = async (query: string) => {
  const answer = await world.http
    .get(`/api/quarantine?${query}`)
    .set('authorization', operator.authorization);
  return Items.parse(answer.body).items.map(({ id }) => id);
};

describe('the list', () => {
  it('is newest first, and of one reason alone, when that is asked for', async () => {
    const [one, other] = [await contested(), await contested()];
    const oldest = await listed('sort=since');
    expect(oldest.indexOf(one.item.id)).toBeLessThan(oldest.indexOf(other.item.id));
    expect(await listed('sort=-since')).toEqual(oldest.toReversed());
    expect(await listed(`reason=${one.item.reason}`)).toEqual(expect.arrayContaining([one.item.id]));
    expect(await listed('reason=another')).toEqual([]);
  });
});

describe('deciding', () => {
  it('discard deletes the newcomer from the archive, and nothing else; it is on record before', async () => {
    const { studyUid, item, held } = await contested();
    await decide(item.id, { decision: 'discard' }).expect(200, {
      id: item.id,
      decision: 'discard',
      instances: 2,
    });
    expect(await archived(world)).toBe(held - 2);
    expect(await waiting(studyUid)).toEqual([]);
    expect(await shown(studyUid)).toMatchObject({ patient: 'FIRST', instances: 2 });
    await decide(item.id, { decision: 'discard' }).expect(404);
    const rows = await world.sql`
      select action, status, patient_id, instances::int from audit
      where study_uid = ${studyUid} and account_id = ${operator.id} order by id`;
    expect(rows).toEqual([
      { action: 'quarantine discard begins', status: null, patient_id: 'SECOND', instances: 2 },
      { action: 'POST /api/quarantine/:id/decide', status: 200, patient_id: 'SECOND', instances: 2 },
    ]);
  });

  it('discard leaves alone what was admitted meanwhile', async () => {
    const { studyUid, item } = await contested();
    // The decision waits for the lock of the deleted row. So the watcher cannot put the instance back into quarantine before the decision.
    const { one, decided } = await world.sql.begin(async (tx) => {
      const [row] = await tx`delete from quarantined where study_uid = ${studyUid} and sop_uid =
        (select min(sop_uid) from quarantined where study_uid = ${studyUid}) returning orthanc_id as id`;
      const answer = decide(item.id, { decision: 'discard' }).then(({ status, body }) => ({ status, body }));
      await expect.poll(waitingDecisions, SOON).toBe(1);
      return { one: row, decided: answer };
    });
    expect(await decided).toEqual({
      status: 200,
      body: { id: item.id, decision: 'discard', instances: 1 },
    });
    expect((await world.archive(`/instances/${String(one?.['id'])}`)).status).toBe(200);
  });

  it('accept shows the newcomer, and the first holder waits instead; and back', async () => {
    const { studyUid, item, held } = await contested();
    await decide(item.id, { decision: 'accept' }).expect(200);
    expect(await shown(studyUid)).toMatchObject({ patient: 'SECOND', instances: 2 });
    const [instead] = await waiting(studyUid);
    expect(instead).toMatchObject({
      instances: 2,
      patient: { patient_id: 'FIRST' },
      held_by: { patient_id: 'SECOND' },
    });
    const answer = await world.get(operator, `/studies/${studyUid}/metadata`).expect(200);
    expect(answer.text).toContain('SECOND');
    expect(answer.text).not.toContain('FIRST');
    await decide(instead?.id ?? '', { decision: 'accept' }).expect(200);
    expect(await shown(studyUid)).toMatchObject({ patient: 'FIRST', instances: 2 });
    expect(await archived(world)).toBe(held);
  });

  it('re-identify gives it to the first holder’s patient: both are one study', async () => {
    const { studyUid, item, held } = await contested();
    await decide(item.id, { decision: 're-identify', patient_id: 'FIRST' }).expect(200);
    await expect.poll(() => shown(studyUid), SOON).toMatchObject({ patient: 'FIRST', instances: 4 });
    expect(await waiting(studyUid)).toEqual([]);
    expect(await archived(world)).toBe(held);
  });

  it('re-identify gives it UIDs of its own: two studies, their series as they were', async () => {
    const { studyUid, item, held, second } = await contested();
    await decide(item.id, { decision: 're-identify', new_uids: true }).expect(200);
    const moved = () => world.sql`
      select s.study_uid, s.instance_count, s.series_count from studies s join patients p on p.id = s.patient
      where p.patient_id = 'SECOND' and s.study_uid like '2.25.%' and s.study_uid <> ${studyUid}
      order by s.id desc limit 1`;
    await expect
      .poll(async () => (await moved())[0], SOON)
      .toMatchObject({ instance_count: 2, series_count: 1 });
    expect(await shown(studyUid)).toMatchObject({ patient: 'FIRST', instances: 2 });
    expect(await archived(world)).toBe(held);
    expect(await waiting(second[0]?.sopUid ?? '')).toEqual([]);
  });

  it('re-identify into an instance that is there with other content loses neither', async () => {
    const uids = { studyUid: freshUid(), seriesUid: freshUid(), sopUid: freshUid() };
    await world.store(sender, [makeInstance({ ...uids, patientId: 'FIRST' })]).expect(200);
    await bring({ ...uids, patientId: 'SECOND', studyDescription: 'other' });
    await expect.poll(async () => (await waiting(uids.studyUid)).length, SOON).toBe(1);
    const held = await archived(world);
    const [item] = await waiting(uids.studyUid);
    await decide(item?.id ?? '', { decision: 're-identify', patient_id: 'FIRST' }).expect(409);
    expect(await archived(world)).toBe(held);
    expect(await waiting(uids.studyUid)).toHaveLength(1);
  });

  it('what has no usable UIDs can be given some, and cannot be accepted', async () => {
    const seriesUid = freshUid();
    await bring({ seriesUid, studyUid: '1.2.A.4', patientId: 'ODD' });
    await expect.poll(odd, SOON).toMatchObject({ instances: 1 });
    const id = (await odd())?.id ?? '';
    await decide(id, { decision: 'accept' }).expect(409);
    await decide(id, { decision: 're-identify', new_uids: true }).expect(200);
    await expect.poll(() => world.sql`select 1 from patients where patient_id = 'ODD'`, SOON).toHaveLength(1);
    expect(await odd()).toBeUndefined();
  });
});

registerQuarantineKills(() => world);
