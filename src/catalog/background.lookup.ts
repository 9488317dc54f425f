import { Inject, Injectable } from '@nestjs/common';
import { asc, desc, eq, max } from 'drizzle-orm';
import { Changes } from '../database/changes.js';
import { BACKGROUND_DATABASE, type Database } from '../database/database.module.js';
import { instances, patients, series, studies } from '../database/schema.catalog.js';
import type { StudyUid } from '../dicom/uids.js';
import { type FoundInstances, instanceOf, INSTANCE_COLUMNS, PATIENT_COLUMNS } from './lookup.service.js';

/** The name under which background reads count for the limits of each account. */
const READER = 'background';

/**
 * Finds instances without a check of rights. Only for background work whose results stay in the gateway until a request with its own check
 * asks for them.
 */
@Injectable()
export class BackgroundLookup {
  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly changes: Changes,
  ) {}

  /** Calls `listener` with the UID of each study whose instances change. The listener must be fast and must not throw. */
  onStudyChange(listener: (studyUid: string) => void): void {
    this.changes.on((change) => {
      if (change.of === 'study') listener(change.studyUid);
    });
  }

  /** All instances of a study, ordered by series and instance number as in `Lookup`. `undefined` if there are none. */
  async study(studyUid: StudyUid, signal?: AbortSignal): Promise<FoundInstances | undefined> {
    const rows = await this.database
      .select({ ...INSTANCE_COLUMNS, ...PATIENT_COLUMNS })
      .from(instances)
      .innerJoin(series, eq(series.id, instances.series))
      .innerJoin(studies, eq(studies.id, series.study))
      .innerJoin(patients, eq(patients.id, studies.patient))
      .where(eq(studies.studyUid, studyUid))
      .orderBy(asc(series.seriesNumber), asc(series.id), asc(instances.instanceNumber), asc(instances.id));
    const [first, ...rest] = rows.map((row) => instanceOf(row, READER, signal));
    const [row] = rows;
    if (first === undefined || row === undefined) return undefined;
    const { patientIssuer, patientId } = row;
    return { studyUid, patientIssuer, patientId, instances: [first, ...rest] };
  }

  /** The UIDs of the studies of the newest `count` instances. The study with the newest instance is last. */
  async studiesOfNewest(count: number): Promise<string[]> {
    const newest = this.database
      .select({ id: instances.id, series: instances.series })
      .from(instances)
      .orderBy(desc(instances.id))
      .limit(count)
      .as('newest');
    const rows = await this.database
      .select({ studyUid: studies.studyUid })
      .from(newest)
      .innerJoin(series, eq(series.id, newest.series))
      .innerJoin(studies, eq(studies.id, series.study))
      .groupBy(studies.studyUid)
      .orderBy(max(newest.id));
    return rows.map(({ studyUid }) => studyUid);
  }
}
