import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { archived, told } from '../dicomweb/stow.answers.ts';
import { type Caller, startWorld, type World } from '../support/world.ts';
import { api, reject, rejectionsOf, storedStudy, visibleOf } from './rejecting.world.ts';

const RIGHTS = ['studies:read', 'studies:delete'];

let world: World;
let sender: Caller;
let keeper: Caller;
beforeAll(async () => {
  world = await startWorld();
  sender = await world.machine();
  keeper = await world.person({ rights: RIGHTS, scope: { kind: 'all' } });
}, 120_000);
afterAll(() => world?.stop());

/** Every way to read a study, a series and an instance. */
function reads(study: string, series: string, sop: string): string[] {
  const of = `/studies/${study}`;
  const at = `${of}/series/${series}/instances/${sop}`;
  return [
    of,
    `${of}/metadata`,
    `${of}/rendered`,
    `${of}/thumbnail`,
    `${of}/series/${series}`,
    `${of}/series/${series}/metadata`,
    `${of}/series/${series}/thumbnail`,
    at,
    `${at}/metadata`,
    `${at}/rendered`,
    `${at}/thumbnail`,
    `${at}/frames/1`,
    `${at}/frames/1/rendered`,
    `${at}/bulk/7FE00010`,
  ];
}

/** Waits until the watcher has compared the totals and swept at least once more. */
async function afterSweeps(): Promise<void> {
  const { authorization } = await world.admin();
  const begun = await world.http.post('/api/catalog/rebuild').set('authorization', authorization).expect(202);
  await expect
    .poll(
      async () => {
        const answer = await world.http.get('/api/catalog/rebuild').set('authorization', authorization);
        return answer.body.id === begun.body.id && answer.body.state;
      },
      { timeout: 30_000 },
    )
    .toBe('completed');
}

/** The names and types of the columns of a table. */
async function columns(table: string): Promise<string[]> {
  const rows = await world.sql`select column_name as name, data_type as type from information_schema.columns
    where table_name = ${table} order by column_name`;
  return rows.map(({ name, type }) => `${name} ${type}`);
}

describe('rejecting', () => {
  it('makes a study invisible in every read at once; it stays in the archive', async () => {
    const of = await storedStudy(world, sender);
    const [series, sop] = [of.series[0], of.sops[0]];
    // The reads fill the memories and caches of the gateway.
    for (const path of reads(of.uid, series, sop)) await world.get(keeper, path);
    const before = await archived(world);
    await reject(world, keeper, `${of.path}?reason=113001`).expect(204);
    const unknown = reads(freshUid(), freshUid(), freshUid());
    for (const [at, path] of reads(of.uid, series, sop).entries()) {
      const answer = await world.get(keeper, path);
      const wanted = await world.get(keeper, unknown[at] ?? '');
      expect([path, answer.status, answer.text]).toEqual([path, 404, wanted.text]);
    }
    for (const level of ['studies', 'series', 'instances']) {
      const answer = await world.get(keeper, `/${level}?StudyInstanceUID=${of.uid}`).expect(200);
      expect([answer.text, answer.headers['x-total-count']]).toEqual(['[]', '0']);
    }
    const uri = `/wado?requestType=WADO&studyUID=${of.uid}&seriesUID=${series}&objectUID=${sop}`;
    await world.http.get(uri).set('authorization', keeper.authorization).expect(404);
    await api(world, keeper, 'get', `/studies/${of.uid}`).expect(404);
    expect((await api(world, keeper, 'get', `/studies?q=REJ-1`).expect(200)).text).not.toContain(of.uid);
    await reject(world, keeper, of.path).expect(404);
    expect(await archived(world)).toBe(before);
    expect(await rejectionsOf(world, keeper, of.uid)).toEqual([
      expect.objectContaining({
        level: 'study',
        study_uid: of.uid,
        reason: { code: '113001', meaning: 'Rejected for Quality Reasons' },
        rejected_by: keeper.name,
        instances: 4,
        patient: { issuer: 'TEST', patient_id: 'REJ-1', name: 'Sample^Robin' },
        modalities: ['CT'],
      }),
    ]);
  });

  it('rejects an instance, then a series; the counts follow, and each is restored alone and once', async () => {
    const of = await storedStudy(world, sender);
    const counts = async () => {
      const answer = await world.get(keeper, `/studies?StudyInstanceUID=${of.uid}`).expect(200);
      return ['00201206', '00201208'].map((tag) => answer.body[0]?.[tag]?.Value?.[0]);
    };
    await reject(world, keeper, `${of.path}/series/${of.series[0]}/instances/${of.sops[0]}`).expect(204);
    expect(await counts()).toEqual([2, 3]);
    await reject(world, keeper, `${of.path}/series/${of.series[0]}?reason=113038`).expect(204);
    expect(await counts()).toEqual([1, 2]);
    const [series, instance] = await rejectionsOf(world, keeper, of.uid);
    expect([series?.instances, series?.['level'], instance?.instances, instance?.['level']]).toEqual([
      1,
      'series',
      1,
      'instance',
    ]);
    const restored = await api(world, keeper, 'post', `/rejected/${series?.id}/restore`).expect(200);
    expect(restored.body).toEqual({ id: series?.id, instances: 1 });
    expect(await counts()).toEqual([2, 3]);
    const again = await api(world, keeper, 'post', `/rejected/${series?.id}/restore`).expect(200);
    expect(again.body.instances).toBe(0);
    await api(world, keeper, 'post', `/rejected/${instance?.id}/restore`).expect(200);
    expect(await counts()).toEqual([2, 4]);
    expect(await rejectionsOf(world, keeper, of.uid)).toEqual([]);
    await world.get(keeper, `${of.path}/series/${of.series[0]}/instances/${of.sops[0]}/metadata`).expect(200);
  });

  it('restores a study exactly as it was', async () => {
    const of = await storedStudy(world, sender);
    const shown = async () => (await world.get(keeper, `/instances?StudyInstanceUID=${of.uid}`)).text;
    const rows = () => world.sql`
      select sop_uid, stored_by, stored_at, sha256, size, instances.id, image_modalities, modalities, studies.instance_count, series_count, created_by
      from instances join series on series.id = series join studies on studies.id = study
      where study_uid = ${of.uid} order by instances.id`;
    const [answer, before] = [await shown(), await rows()];
    const metadata = await world.get(keeper, `${of.path}/metadata`);
    await reject(world, keeper, of.path).expect(204);
    const [rejection] = await rejectionsOf(world, keeper, of.uid);
    await api(world, keeper, 'post', `/rejected/${rejection?.id}/restore`).expect(200);
    expect(await shown()).toBe(answer);
    expect(await rows()).toEqual(before);
    const after = await world.get(keeper, `${of.path}/metadata`).expect(200);
    expect([after.text, after.headers['etag']]).toEqual([metadata.text, metadata.headers['etag']]);
  });

  it('tells a sender that a rejected instance is rejected, and accepts new instances of the study', async () => {
    const of = await storedStudy(world, sender);
    await reject(world, keeper, of.path).expect(204);
    const [first] = of.files;
    if (first === undefined) throw new Error('no file');
    const again = await world.store(sender, [first]).expect(409);
    expect(told(again).failed).toEqual({ [of.sops[0]]: 0x0110 });
    expect(again.text).toContain('The instance is rejected.');
    const other = await world.store(sender, of.files).expect(409);
    expect(Object.keys(told(other).failed)).toHaveLength(4);
    const sop = freshUid();
    const added = makeInstance({
      studyUid: of.uid,
      seriesUid: of.series[0],
      sopUid: sop,
      patientId: 'REJ-1',
    });
    await world.store(sender, [added]).expect(200);
    expect(await visibleOf(world, keeper, of.uid)).toBe(1);
    const [rejection] = await rejectionsOf(world, keeper, of.uid);
    await api(world, keeper, 'post', `/rejected/${rejection?.id}/restore`).expect(200);
    expect(await visibleOf(world, keeper, of.uid)).toBe(5);
  });

  it('lets nobody take over a rejected study by a new instance', async () => {
    const own = [{ rights: ['studies:store', 'studies:read'], scope: { kind: 'own-uploads' } }];
    const [first, second] = [await world.machine(own), await world.machine(own)];
    const of = await storedStudy(world, first);
    await reject(world, keeper, of.path).expect(204);
    const [file] = of.files;
    const fresh = makeInstance({ studyUid: of.uid, seriesUid: of.series[0], patientId: 'REJ-1' });
    if (file === undefined) throw new Error('no file');
    const refused = await world.store(second, [file, fresh]).expect(409);
    expect([...new Set(Object.values(told(refused).failed))]).toEqual([0x0124]);
    expect(refused.text).not.toContain('rejected');
    await world.store(first, [fresh]).expect(200);
    expect(await visibleOf(world, first, of.uid)).toBe(1);
  });

  it('is not undone by C-STORE, by the sweep or by a rebuild', async () => {
    const of = await storedStudy(world, sender);
    await reject(world, keeper, of.path).expect(204);
    for (const file of of.files) await world.archive('/instances', { method: 'POST', body: file });
    // The same SOP Instance UID of another patient is another instance for the archive.
    const stolen = makeInstance({
      studyUid: freshUid(),
      seriesUid: freshUid(),
      sopUid: of.sops[1],
      patientId: 'REJ-2',
    });
    await world.archive('/instances', { method: 'POST', body: stolen });
    await world.sql`update sweep set phase = 'catalog', position = 0, hurried = true`;
    await afterSweeps();
    expect(await visibleOf(world, keeper, of.uid)).toBe(0);
    expect((await world.get(keeper, '/instances?PatientID=REJ-2')).text).toBe('[]');
    expect(await rejectionsOf(world, keeper, of.uid)).toEqual([expect.objectContaining({ instances: 4 })]);
    const [difference] = await world.sql`
      select sum(instance_count + rejected_count)::int + (select count(*)::int from quarantined) as known from studies`;
    expect(difference?.['known']).toBe(await archived(world));
  });

  it('forgets rejected instances that the archive no longer has', async () => {
    const of = await storedStudy(world, sender);
    await reject(world, keeper, of.path).expect(204);
    const rows =
      await world.sql`select r.orthanc_id from rejected_instances r join series on series.id = r.series
      join studies on studies.id = series.study where study_uid = ${of.uid}`;
    for (const { orthanc_id: id } of rows) await world.archive(`/instances/${id}`, { method: 'DELETE' });
    const left = async () =>
      (await world.sql`select count(*)::int as left from studies where study_uid = ${of.uid}`)[0]?.['left'];
    await expect.poll(left, { timeout: 20_000 }).toBe(0);
    await world.store(sender, of.files).expect(200);
    expect(await visibleOf(world, keeper, of.uid)).toBe(4);
  });

  it('lists and restores only what studies:delete covers; an unknown reason is refused', async () => {
    const of = await storedStudy(world, sender);
    await reject(world, keeper, `${of.path}?reason=1`).expect(400);
    await reject(world, keeper, `${of.path}?reason=113037`).expect(204);
    const foreign = await world.person({ rights: RIGHTS, scope: { kind: 'study', study_uid: freshUid() } });
    const covered = await world.person({ rights: RIGHTS, scope: { kind: 'modality', modality: 'CT' } });
    const [rejection] = await rejectionsOf(world, covered, of.uid);
    expect(await rejectionsOf(world, foreign, of.uid)).toEqual([]);
    const unknown = await api(world, foreign, 'post', `/rejected/${crypto.randomUUID()}/restore`).expect(404);
    const refused = await api(world, foreign, 'post', `/rejected/${rejection?.id}/restore`).expect(404);
    expect(refused.text).toBe(unknown.text);
    await api(world, covered, 'post', `/rejected/${rejection?.id}/restore`).expect(200);
    const rows = await world.sql`
      select action, instances::int, account_id, detail ->> 'reason' as reason from audit
      where study_uid = ${of.uid} and action in ('reject', 'restore') order by id`;
    expect(rows).toEqual([
      { action: 'reject', instances: 4, account_id: keeper.id, reason: '113037' },
      { action: 'restore', instances: 4, account_id: covered.id, reason: null },
    ]);
  });

  it('keeps the columns of both tables of instances equal', async () => {
    const added = ['is_image boolean', 'rejection uuid'];
    expect(await columns('rejected_instances')).toEqual([...(await columns('instances')), ...added].sort());
  });
});
