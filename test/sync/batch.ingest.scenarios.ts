import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { makeInstance } from '../../infra/demo/dicom.writer.ts';
import { orthancIdOf } from '../../src/orthanc/orthanc.id.ts';
import type { World } from '../support/world.ts';
import { catalogued } from '../dicomweb/stow.answers.ts';

const COUNT = 25;

let world: World;

function series(studyUid: string, patientId: string, modality: string) {
  const seriesUid = freshUid();
  return Array.from({ length: COUNT }, (_, index) => {
    const one = { studyUid, seriesUid, sopUid: freshUid(), patientId, modality, instanceNumber: index + 1 };
    return { ...one, file: makeInstance(one) };
  });
}

/**
 * Stores files in the archive while the gateway cannot read the change feed. When the gateway can read the feed again, it finds all files
 * at once.
 */
async function bringTogether(files: readonly Buffer[]): Promise<void> {
  await world.sql.begin(async (tx) => {
    await tx`lock table archive_cursor in access exclusive mode`;
    for (const file of files) {
      const answer = await world.archive('/instances', { method: 'POST', body: new Uint8Array(file) });
      expect(answer.status).toBe(200);
    }
  });
}

/** SHA-256 of the bytes after the file meta information. The element (0002,0000) contains the length of the file meta information. */
function dataSetDigest(file: Buffer): Buffer {
  return createHash('sha256')
    .update(file.subarray(144 + file.readUInt32LE(140)))
    .digest();
}

/** The scenarios of many instances that arrive together. Nothing may be in quarantine. */
export function registerBatchIngest(given: () => World): void {
  describe('batch ingest', () => {
    beforeAll(async () => {
      world = given();
    });

    it('many that arrive together are all there, each in its place, and what contradicts among them is not', async () => {
      const [one, two] = [freshUid(), freshUid()];
      const mine = [
        ...series(one, 'MRN-1', 'CT'),
        ...series(one, 'MRN-1', 'SR'),
        ...series(two, 'MRN-2', 'MR'),
      ];
      const others = series(one, 'MRN-3', 'CT').slice(0, 3);
      const unusable = makeInstance({ studyUid: two, seriesUid: freshUid(), sopUid: '1.2.A.4' });
      await bringTogether([...mine, ...others].map(({ file }) => file).concat(unusable));
      await expect.poll(() => catalogued(world, one)).toMatchObject({ instances: 2 * COUNT, series: 2 });
      await expect.poll(() => catalogued(world, two)).toMatchObject({ instances: COUNT, series: 1 });
      const studies = await world.sql`
    select study_uid, instance_count, series_count, modalities, image_modalities from studies
    where instance_count > 0 and study_uid in (${one}, ${two}) order by study_uid = ${one} desc`;
      expect([...studies]).toEqual([
        {
          study_uid: one,
          instance_count: 2 * COUNT,
          series_count: 2,
          modalities: ['CT', 'SR'],
          image_modalities: ['CT'],
        },
        {
          study_uid: two,
          instance_count: COUNT,
          series_count: 1,
          modalities: ['MR'],
          image_modalities: ['MR'],
        },
      ]);
      const rows = await world.sql`
    select i.sop_uid, i.orthanc_id, i.instance_number, e.series_uid, e.instance_count, i.file_uuid is not null as known
    from instances i join series e on e.id = i.series join studies s on s.id = e.study
    where s.study_uid in (${one}, ${two})`;
      expect(new Map(rows.map((row) => [row['sop_uid'], row]))).toEqual(
        new Map(
          mine.map(({ patientId, studyUid, seriesUid, sopUid, instanceNumber }) => [
            sopUid,
            {
              sop_uid: sopUid,
              orthanc_id: orthancIdOf(patientId, studyUid, seriesUid, sopUid),
              instance_number: instanceNumber,
              series_uid: seriesUid,
              instance_count: COUNT,
              known: true,
            },
          ]),
        ),
      );
      await expect
        .poll(
          () =>
            world.sql`select reason from quarantined join quarantine on quarantine.id = quarantined.quarantine`,
        )
        .toHaveLength(others.length + 1);
    });

    it('an account that was cut off on the way with one of many keeps it', async () => {
      const sender = await world.machine();
      const study = freshUid();
      const all = series(study, 'MRN-4', 'CT');
      const [first, left, ...rest] = all.map(({ file }) => file);
      if (first === undefined || left === undefined) throw new Error('too few');
      await world.store(sender, [first]).expect(200);
      const [at] =
        await world.sql`select e.id from series e join studies s on s.id = e.study where s.study_uid = ${study}`;
      const sopUid = all[1]?.sopUid ?? '';
      await world.sql`
    insert into pending (sop_uid, series, holder, account_id, sha256, expires_at)
    values (${sopUid}, ${Number(at?.['id'])}, gen_random_uuid(), ${sender.id}, ${dataSetDigest(left)}, now())`;
      await bringTogether([left, ...rest]);
      await expect.poll(() => catalogued(world, study)).toMatchObject({ instances: COUNT, pending: 0 });
      const owners = await world.sql`select sop_uid from instances where stored_by = ${sender.id}`;
      expect(new Set(owners.map((row) => row['sop_uid']))).toEqual(new Set([all[0]?.sopUid, sopUid]));
    });
  });
}
