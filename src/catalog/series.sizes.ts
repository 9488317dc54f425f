import { Inject, Injectable } from '@nestjs/common';
import { eq, sql } from 'drizzle-orm';
import { DATABASE, type Database } from '../database/database.module.js';
import { instances, series, studies } from '../database/schema.catalog.js';
import type { StudyUid } from '../dicom/uids.js';

/** The sizes of series, so that a person knows the size of a download in advance. */
@Injectable()
export class SeriesSizes {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** The length of all files of each series of a study in bytes. Null if a length is not in the catalog yet. */
  async of(study: StudyUid): Promise<ReadonlyMap<string, number | null>> {
    const rows = await this.database
      .select({
        uid: series.seriesUid,
        size: sql<
          string | null
        >`case when count(${instances.size}) = count(*) then sum(${instances.size}) end`,
      })
      .from(instances)
      .innerJoin(series, eq(series.id, instances.series))
      .innerJoin(studies, eq(studies.id, series.study))
      .where(eq(studies.studyUid, study))
      .groupBy(series.seriesUid);
    return new Map(rows.map(({ uid, size }) => [uid, size === null ? null : Number(size)]));
  }
}
