import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance, type InstanceOptions } from '../../infra/demo/dicom.writer.ts';
import { orthancIdOf } from '../../src/orthanc/orthanc.id.ts';
import { catalogued } from '../dicomweb/stow.answers.ts';
import { isLong } from '../support/long.form.ts';
import { startOwnWorld, type Caller, type OwnWorld } from '../support/world.ts';
import { registerWatcher } from './watcher.scenarios.ts';

/** Longer than the comparison of a small archive with the catalog takes. The tests wait for conditions, not for fixed times. */
const SOON = { timeout: 60_000, interval: 200 };
/** A long limit, because the tests restart gateways and archives. */
const LONG = 120_000;
const KEPT = ['StudyInstanceUID', 'SeriesInstanceUID', 'SOPInstanceUID'];

let world: OwnWorld;
let sender: Caller;
let reader: Caller;
beforeAll(async () => {
  world = await startOwnWorld({ DELETE_MODE: 'remove' });
  sender = await world.machine();
  reader = await world.person({ rights: ['studies:read'], scope: { kind: 'all' } });
});
afterAll(() => world?.stop());

function uids() {
  return { studyUid: freshUid(), seriesUid: freshUid(), sopUid: freshUid(), patientId: `MRN-${freshUid()}` };
}
type Uids = ReturnType<typeof uids>;

/** Stores one instance by STOW. Waits until the catalog has the identifier of its file. */
async function stored(options: InstanceOptions = {}): Promise<Uids> {
  const it = uids();
  await world.store(sender, [makeInstance({ ...it, ...options })]).expect(200);
  await expect.poll(() => fileOf(it), SOON).not.toBeNull();
  return it;
}

async function fileOf({ sopUid }: Uids): Promise<unknown> {
  const [row] = await world.sql`select file_uuid from instances where sop_uid = ${sopUid}`;
  return row === undefined ? undefined : row['file_uuid'];
}

/** Stores a file directly in the archive, not through the gateway. */
async function bring(options: InstanceOptions): Promise<void> {
  const body = new Uint8Array(makeInstance(options));
  expect((await world.archive('/instances', { method: 'POST', body })).status).toBe(200);
}

function archiveStudy({ patientId, studyUid }: Uids): string {
  return orthancIdOf(patientId, studyUid);
}

/** Lets Orthanc derive a new study from the given study. Returns the StudyInstanceUID of the new study. */
async function remade(how: 'modify' | 'anonymize', of: Uids, wish: object): Promise<string> {
  const path = `/studies/${archiveStudy(of)}/${how}`;
  const answer = await world.archive(path, { method: 'POST', body: JSON.stringify(wish) });
  const { ID } = z.object({ ID: z.string() }).parse(await answer.json());
  const study = await (await world.archive(`/studies/${ID}`)).json();
  return z.object({ MainDicomTags: z.object({ StudyInstanceUID: z.string() }) }).parse(study).MainDicomTags
    .StudyInstanceUID;
}

const Studies = z.array(z.looseObject({ '00100020': z.object({ Value: z.array(z.string()) }) }));

/** The PatientIDs in a search result for the study. */
async function patientsOf(studyUid: string, who = reader): Promise<string[]> {
  const answer = await world.get(who, `/studies?StudyInstanceUID=${studyUid}`).expect(200);
  return Studies.parse(answer.body).flatMap((study) => study['00100020'].Value);
}

function whoSees(patient_id: string): Promise<Caller> {
  return world.person({ rights: ['studies:read'], scope: { kind: 'patient', issuer: 'TEST', patient_id } });
}

const waiting = async () => {
  const [row] = await world.sql`select count(*)::int as count from quarantined`;
  return row?.['count'];
};

const Metadata = z.array(z.looseObject({ '00081030': z.object({ Value: z.array(z.string()) }).optional() }));

async function metadataOf({ studyUid, seriesUid }: Uids) {
  const answer = await world.get(reader, `/studies/${studyUid}/series/${seriesUid}/metadata`).expect(200);
  return {
    etag: answer.headers['etag'],
    descriptions: Metadata.parse(answer.body).map((one) => one['00081030']?.Value[0]),
  };
}

describe('what the archive makes of what it holds', { timeout: LONG }, () => {
  it('/anonymize without kept UIDs: the new study appears beside its source', async () => {
    const it = await stored();
    const made = await remade('anonymize', it, {});
    await expect.poll(() => catalogued(world, made), SOON).toMatchObject({ instances: 1 });
    expect(await patientsOf(it.studyUid)).toEqual([it.patientId]);
  });

  it('/modify without kept UIDs and without its source: the one appears, the other vanishes', async () => {
    const it = await stored();
    const made = await remade('modify', it, { Replace: { StudyDescription: 'remade' }, KeepSource: false });
    expect(made).not.toBe(it.studyUid);
    await expect.poll(() => patientsOf(made), SOON).toEqual([it.patientId]);
    await expect.poll(() => patientsOf(it.studyUid), SOON).toEqual([]);
  });

  it.each(['modify', 'anonymize'] as const)(
    '/%s with kept UIDs beside its source: it waits, and the first holder is served',
    async (how) => {
      const it = await stored();
      const before = await waiting();
      const Replace = { PatientID: `${it.patientId}-X` };
      await remade(how, it, { Replace, Keep: KEPT, Force: true, KeepSource: true });
      await expect.poll(waiting, SOON).toBe(Number(before) + 1);
      expect(await patientsOf(it.studyUid)).toEqual([it.patientId]);
      const path = `/studies/${it.studyUid}/series/${it.seriesUid}/instances/${it.sopUid}`;
      await world.get(reader, path).set('accept', 'application/dicom; transfer-syntax=*').expect(200);
    },
  );

  it('a study moved to another patient: it is that patient’s from then on, for those who see them', async () => {
    const it = await stored();
    const now = `${it.patientId}-NOW`;
    const [first, second] = [await whoSees(it.patientId), await whoSees(now)];
    expect(await patientsOf(it.studyUid, first)).toEqual([it.patientId]);
    await remade('modify', it, { Replace: { PatientID: now }, Keep: KEPT, Force: true, KeepSource: false });
    await expect.poll(() => patientsOf(it.studyUid, second), SOON).toEqual([now]);
    expect(await patientsOf(it.studyUid, first)).toEqual([]);
  });
});

describe('what comes again under the identifiers it had', { timeout: LONG }, () => {
  it('with other content is read anew: descriptions, content, and what was kept of it', async () => {
    const it = await stored({ studyDescription: 'before' });
    const first = await metadataOf(it);
    expect(first.descriptions).toEqual(['before']);
    await world.archive(`/studies/${archiveStudy(it)}`, { method: 'DELETE' });
    await bring({ ...it, studyDescription: 'after' });
    const search = async () =>
      (await world.get(reader, `/studies?StudyInstanceUID=${it.studyUid}&StudyDescription=after`)).body;
    await expect.poll(search, SOON).toHaveLength(1);
    await expect.poll(async () => (await metadataOf(it)).descriptions, SOON).toEqual(['after']);
    expect((await metadataOf(it)).etag).not.toBe(first.etag);
    await world.store(sender, [makeInstance({ ...it, studyDescription: 'after' })]).expect(200);
    await world.store(sender, [makeInstance({ ...it, studyDescription: 'before' })]).expect(409);
  });

  it('a late instance is part of its series’ metadata', async () => {
    const it = await stored();
    const { etag } = await metadataOf(it);
    await bring({ ...it, sopUid: freshUid() });
    await expect.poll(async () => (await metadataOf(it)).descriptions.length, SOON).toBe(2);
    expect((await metadataOf(it)).etag).not.toBe(etag);
  });
});

describe('an archive that is not what the catalog followed', { timeout: LONG }, () => {
  it('restored from an older backup: what was added since vanishes, what was deleted since is back', async () => {
    const [stays, deleted] = [await stored(), await stored()];
    await world.orthanc.kill();
    await world.orthanc.backUp();
    await world.orthanc.restart();
    await world.archive(`/studies/${archiveStudy(deleted)}`, { method: 'DELETE' });
    await expect.poll(() => patientsOf(deleted.studyUid), SOON).toEqual([]);
    const added = [await stored(), await stored(), await stored()];
    await world.orthanc.kill();
    await world.orthanc.putBack();
    await world.orthanc.restart();
    await expect.poll(() => patientsOf(deleted.studyUid), SOON).toEqual([deleted.patientId]);
    for (const { studyUid } of added) await expect.poll(() => patientsOf(studyUid), SOON).toEqual([]);
    expect(await patientsOf(stays.studyUid)).toEqual([stays.patientId]);
  });

  it('a cursor ahead of the archive’s last change is found out, and nothing is missed', async () => {
    await world.sql`update archive_cursor set position = position + 1000000`;
    const it = uids();
    await bring(it);
    await expect.poll(() => patientsOf(it.studyUid), SOON).toEqual([it.patientId]);
    const position = async () => (await world.sql`select position from archive_cursor`)[0]?.['position'];
    await expect.poll(async () => Number(await position()), SOON).toBeLessThan(1_000_000);
  });

  it('what neither feed nor totals betray is found by the walk: one is missing, one is too many', async () => {
    const [gone, hidden] = [await stored(), uids()];
    const dead = world.gateway;
    process.kill(dead.pid, 'SIGKILL');
    await dead.exited;
    // Hides a deletion and a new instance from the gateway. The stored feed position says that all changes have been processed.
    await world.archive(`/studies/${archiveStudy(gone)}`, { method: 'DELETE' });
    await bring(hidden);
    const last = z
      .object({ Last: z.number() })
      .parse(await (await world.archive('/changes?last')).json()).Last;
    await world.sql`update archive_cursor set position = ${last}`;
    world.gateway = await world.secondGateway();
    await dead.stop();
    await expect.poll(() => patientsOf(hidden.studyUid), SOON).toEqual([hidden.patientId]);
    expect(await patientsOf(gone.studyUid)).toEqual([]);
  });

  if (isLong)
    it('a row lost beneath counts that agree with the archive’s is found by the walk, and the counts are mended', async () => {
      const it = await stored();
      await world.sql`delete from instances where sop_uid = ${it.sopUid}`;
      await expect
        .poll(() => catalogued(world, it.studyUid), SOON)
        .toEqual({ instances: 1, counted: 1, series: 1, pending: 0 });
    });

  if (isLong)
    it('a walk that was cut off goes on where it was, and reports all of it', async () => {
      const dead = world.gateway;
      process.kill(dead.pid, 'SIGKILL');
      await dead.exited;
      await world.sql`update sweep set phase = 'archive', position = 0, removed = 7, last = null`;
      world.gateway = await world.secondGateway();
      await dead.stop();
      const last = async () => (await world.sql`select last from sweep`)[0]?.['last'];
      await expect.poll(last, SOON).toMatchObject({ removed: 7 });
    });
});

registerWatcher(() => world);
