import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { freshUid } from '../../infra/demo/dicom.elements.ts';
import { element, makeInstance } from '../../infra/demo/dicom.writer.ts';
import type { Person, World } from '../support/world.ts';
import { rebuilt } from '../catalog/rebuilt.ts';
import { valuesOf } from './qido.world.ts';

const MIGRATION = join(import.meta.dirname, '../../src/database/migrations/0055_dates_of_old_equipment.sql');

const [old, before, after] = [freshUid(), freshUid(), freshUid()];
let world: World;
let reader: Person;

/** Sets the columns of the catalog to the values that an earlier version wrote. */
async function asBefore(): Promise<void> {
  await world.sql`
    update studies set study_date = '2024.02.28', study_time = '10:15:30.5', patient_birth_date = '1950.12.31'
    where study_uid = ${old}`;
  await world.sql`
    update series set series_date = '2024.02.28', series_time = '10:15', performed_date = '2024.03.01', performed_time = '23:59:59'
    where study = (select id from studies where study_uid = ${old})`;
}

const KEYS = [
  ['studies', 'StudyDate=20240228'],
  ['studies', 'StudyDate=2024.02.28'],
  ['studies', 'StudyDate=20240228-20240228'],
  ['studies', 'StudyDate=20240228&StudyTime=101530.5'],
  ['studies', 'StudyDate=20240228&StudyTime=10:15:30.5'],
  ['studies', 'StudyDate=20240228&StudyTime=1015-1016'],
  ['studies', 'PatientBirthDate=19501231'],
  ['series', 'SeriesDate=20240228'],
  ['series', 'SeriesTime=1015&SeriesDate=-20240228'],
  ['series', 'PerformedProcedureStepStartDate=20240301-'],
  ['series', 'PerformedProcedureStepStartTime=2359-'],
] as const;

/** Registers the tests of this file with the given gateway. */
export function registerQidoOldEquipment(given: () => World): void {
  describe('qido old equipment', () => {
    beforeAll(async () => {
      world = given();
      const files = [
        makeInstance({
          studyUid: old,
          studyDate: '2024.02.28',
          extra: [
            element('00080030', 'TM', '10:15:30.5'),
            element('00080021', 'DA', '2024.02.28'),
            element('00080031', 'TM', '10:15'),
            element('00100030', 'DA', '1950.12.31'),
            element('00400244', 'DA', '2024.03.01'),
            element('00400245', 'TM', '23:59:59'),
          ],
        }),
        makeInstance({ studyUid: before, studyDate: '20240227' }),
        makeInstance({ studyUid: after, studyDate: '20240229' }),
      ];
      await world.store(await world.machine(), files).expect(200);
      reader = await world.radiologist(old, before, after);
    });

    describe.each([
      ['stored now', async () => undefined],
      [
        'in the catalog since before the upgrade',
        async () => {
          await asBefore();
          await world.sql.unsafe(await readFile(MIGRATION, 'utf8'));
        },
      ],
      [
        'after a rebuild',
        async () => {
          await asBefore();
          await rebuilt(world);
        },
      ],
    ])('dates and times as ACR-NEMA wrote them, %s', (_, prepare) => {
      beforeAll(prepare);

      it.each(KEYS)('are found among %s by %s', async (level, query) => {
        const answer = await world.get(reader, `/${level}?${query}`).expect(200);
        expect(valuesOf(answer.text, '0020000D')).toEqual([old]);
      });

      it('are answered as DICOM writes them, and take their place in the order', async () => {
        const { text } = await world.get(reader, '/studies').expect(200);
        expect(valuesOf(text, '00080020')).toEqual(['20240229', '20240228', '20240227']);
        expect(valuesOf(text, '0020000D')).toEqual([after, old, before]);
        expect(valuesOf(text, '00080030')[1]).toBe('101530.5');
      });
    });
  });
}
