import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { orthancIdOf } from '../../src/orthanc/orthanc.id.js';
import { type Person, startWorld, type World } from '../support/world.ts';
import type { TestGateway } from '../support/gateway.ts';
import { api, reject, rejectionsOf, type StoredStudy, storedStudy, visibleOf } from './rejecting.world.ts';

const RIGHTS = ['studies:read', 'studies:delete'];
const SOON = { timeout: 20_000 };

let world: World;
let one: Person;
let other: Person;
let admin: { id: string; name: string; authorization: string };
let sender: Awaited<ReturnType<World['machine']>>;
beforeAll(async () => {
  world = await startWorld({
    PURGE_TWO_PERSONS: 'true',
    RETENTION_YEARS: '1; modality=MG: 900',
  });
  sender = await world.machine();
  const all = { rights: RIGHTS, scope: { kind: 'all' } };
  [one, other] = [await world.person(all), await world.person(all)];
  admin = await world.admin();
}, 120_000);
afterAll(() => world?.stop());

/** Stores and rejects a study. The waiting time has ended. */
async function rejectedStudy(patientId = 'PURGE-1'): Promise<{ of: StoredStudy; id: string }> {
  const of = await storedStudy(world, sender, patientId);
  await reject(world, one, of.path).expect(204);
  const [rejection] = await rejectionsOf(world, one, of.uid);
  const id = rejection?.id ?? '';
  await world.sql`update rejections set rejected_at = now() - interval '31 days' where id = ${id}`;
  return { of, id };
}

const purge = (who: Person, id: string) => api(world, who, 'post', `/rejected/${id}/purge`);
const hold = async (body: object) =>
  (
    await api(world, admin, 'post', '/holds')
      .send({ reason: 'A court case.', ...body })
      .expect(201)
  ).body.id;
const inArchive = async ({ uid, series, sops }: StoredStudy, patientId = 'PURGE-1') => {
  const ids = sops.map((sop, at) => orthancIdOf(patientId, uid, series[at < 2 ? 0 : 1] ?? '', sop));
  const answers = await Promise.all(ids.map((id) => world.archive(`/instances/${id}`)));
  return answers.filter(({ ok }) => ok).length;
};

describe('purging', () => {
  it('needs a second person, and removes the instances from the archive; then they can be stored again', async () => {
    const { of, id } = await rejectedStudy();
    expect((await purge(one, id).expect(202)).body).toEqual({ id, state: 'requested' });
    expect((await purge(one, id).expect(202)).body).toEqual({ id, state: 'requested' });
    expect(await rejectionsOf(world, one, of.uid)).toEqual([
      expect.objectContaining({
        purge: expect.objectContaining({ state: 'requested', requested_by: one.name, blocked_by: null }),
      }),
    ]);
    expect((await purge(other, id).expect(202)).body).toEqual({ id, state: 'purging' });
    await expect.poll(() => inArchive(of), SOON).toBe(0);
    await expect.poll(() => rejectionsOf(world, one, of.uid), SOON).toEqual([]);
    await purge(other, id).expect(404);
    const rows = await world.sql`
      select action, account_id, instances::int from audit where study_uid = ${of.uid} and action like 'purge%' order by id`;
    expect(rows).toEqual([
      { action: 'purge requested', account_id: one.id, instances: 4 },
      { action: 'purge begins', account_id: other.id, instances: 4 },
      { action: 'purge', account_id: null, instances: 4 },
    ]);
    await world.store(sender, of.files).expect(200);
    expect(await visibleOf(world, one, of.uid)).toBe(4);
  });

  it('is refused before the waiting time ends, under a hold and under retention', async () => {
    const { of, id } = await rejectedStudy();
    const refused = async () => (await purge(one, id).expect(409)).body.code;
    await world.sql`update rejections set rejected_at = now() - interval '29 days' where id = ${id}`;
    expect(await refused()).toBe('purge-not-due');
    await world.sql`update rejections set rejected_at = now() - interval '31 days' where id = ${id}`;
    const held = [
      await hold({ study_uid: of.uid }),
      await hold({ patient: { issuer: 'TEST', patient_id: 'PURGE-1' } }),
    ];
    for (const holdId of held) {
      expect(await refused()).toBe('purge-on-hold');
      await api(world, admin, 'delete', `/holds/${holdId}`).expect(204);
      await api(world, admin, 'delete', `/holds/${holdId}`).expect(404);
    }
    await world.sql`update studies set study_date = to_char(now() - interval '11 months', 'YYYYMMDD') where study_uid = ${of.uid}`;
    expect(await refused()).toBe('purge-under-retention');
    await world.sql`update studies set study_date = '19000101' where study_uid = ${of.uid}`;
    await world.sql`update rejected_instances set modality = 'MG' where rejection = ${id}`;
    expect(await refused()).toBe('purge-under-retention');
    await world.sql`update rejected_instances set modality = 'CT' where rejection = ${id}`;
    await purge(one, id).expect(202);
    await api(world, one, 'post', `/rejected/${id}/restore`).expect(200);
    expect(await visibleOf(world, one, of.uid)).toBe(4);
  });

  it('continues after a kill at each step, and shows nothing meanwhile', async () => {
    const [first, second] = [await rejectedStudy('PURGE-2'), await rejectedStudy('PURGE-2')];
    for (const { id } of [first, second]) await purge(one, id).expect(202);
    // Killed after the decision; and killed after the archive has removed some of the instances.
    const { gateway } = world;
    await gateway.leave();
    await world.sql`update rejections set purging_at = now() where id in (${first.id}, ${second.id})`;
    const { uid, series, sops } = second.of;
    await world.archive(`/instances/${orthancIdOf('PURGE-2', uid, series[0], sops[0])}`, {
      method: 'DELETE',
    });
    const next: TestGateway = await world.secondGateway();
    world.gateway = next;
    await api(world, one, 'post', `/rejected/${first.id}/restore`).expect(({ status }) => {
      expect([404, 409]).toContain(status);
    });
    expect(await visibleOf(world, one, first.of.uid)).toBe(0);
    for (const { of } of [first, second]) {
      await expect.poll(() => inArchive(of, 'PURGE-2'), SOON).toBe(0);
      await expect.poll(() => rejectionsOf(world, one, of.uid), SOON).toEqual([]);
      expect(await visibleOf(world, one, of.uid)).toBe(0);
    }
  });

  it('stops a purge that runs when a hold is made', async () => {
    const { of, id } = await rejectedStudy('PURGE-3');
    await hold({ patient: { issuer: 'TEST', patient_id: 'PURGE-3' } });
    await world.sql`update rejections set purging_at = now() where id = ${id}`;
    const state = async () => (await rejectionsOf(world, one, of.uid))[0]?.['purge'];
    await expect.poll(state, SOON).toMatchObject({ state: 'none', blocked_by: 'hold' });
    expect(await inArchive(of, 'PURGE-3')).toBe(4);
  });
});
