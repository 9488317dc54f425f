import { Inject, Injectable } from '@nestjs/common';
import { and, asc, eq, inArray } from 'drizzle-orm';
import { type Policy, toSql } from '../authz/policy.js';
import { DATABASE, type Database } from '../database/database.module.js';
import { instances, patients, series, studies } from '../database/schema.catalog.js';
import { type FoundInstance, instanceOf, INSTANCE_COLUMNS, PATIENT_COLUMNS } from './lookup.service.js';
import type { Level } from './search.attributes.js';
import { StudyUid } from '../dicom/uids.js';

/** An instance, its study and its patient. */
export interface RepresentativeInstance {
  readonly studyUid: StudyUid;
  readonly patientIssuer: string;
  readonly patientId: string;
  readonly instance: FoundInstance;
}

const GROUP = { study: studies.id, series: series.id, instance: instances.id } as const;
const UID = { study: studies.studyUid, series: series.seriesUid, instance: instances.sopUid } as const;

/** Finds one instance that represents a study or series. It is the first instance, ordered by series and instance number. */
@Injectable()
export class RepresentativeInstances {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Returns one instance for each of these UIDs. Leaves out UIDs without instances and UIDs that the account may not read. */
  async of(
    policy: Policy,
    level: Level,
    uids: readonly string[],
  ): Promise<ReadonlyMap<string, RepresentativeInstance>> {
    const rows = await this.database
      .selectDistinctOn([GROUP[level]], {
        ...INSTANCE_COLUMNS,
        studyUid: studies.studyUid,
        ...PATIENT_COLUMNS,
        uid: UID[level],
      })
      .from(instances)
      .innerJoin(series, eq(series.id, instances.series))
      .innerJoin(studies, eq(studies.id, series.study))
      .innerJoin(patients, eq(patients.id, studies.patient))
      .where(and(inArray(UID[level], [...uids]), toSql(policy, 'studies:read')))
      .orderBy(
        asc(GROUP[level]),
        asc(series.seriesNumber),
        asc(series.id),
        asc(instances.instanceNumber),
        asc(instances.id),
      );
    return new Map(
      rows.map(({ uid, studyUid, patientIssuer, patientId, ...row }) => [
        uid,
        {
          studyUid: StudyUid.parse(studyUid),
          patientIssuer,
          patientId,
          instance: instanceOf(row, policy.accountId),
        },
      ]),
    );
  }
}
