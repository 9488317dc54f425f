import { Inject, Injectable } from '@nestjs/common';
import { and, asc, eq, gt, type SQL, sql } from 'drizzle-orm';
import { type Policy, toSql } from '../authz/policy.js';
import { isScoped, type Right, RIGHTS } from '../authz/rights.js';
import { DATABASE, type Database } from '../database/database.module.js';
import { instances, patients, series, studies } from '../database/schema.catalog.js';
import { OrthancId } from '../orthanc/orthanc.id.js';
import { NotVisible } from '../problems/errors.js';
import type { SeriesUid, SopUid, StudyUid } from '../dicom/uids.js';

/** A study, series or instance by its chain of UIDs; a chain that mixes studies names nothing. */
export interface ResourceUids {
  readonly study: StudyUid;
  readonly series?: SeriesUid | undefined;
  readonly instance?: SopUid | undefined;
}

/** An instance an account may have, with what is needed to fetch it by Orthanc's own id. */
export interface FoundInstance {
  readonly sopUid: string;
  readonly seriesUid: string;
  readonly sopClassUid: string;
  readonly transferSyntax: string;
  readonly frames: number;
  readonly size: number | undefined;
  /** `undefined` where there are no pixels, or where their header is incomplete. */
  readonly rows: number | undefined;
  readonly columns: number | undefined;
  readonly bitsAllocated: number | undefined;
  /** When this content came; another content under the same UID comes at another time. */
  readonly storedAt: Date;
  readonly orthancId: OrthancId;
  /** The account it was found for, whose share of the archive it is read from. */
  readonly reader: string;
  /** Aborts when the request it was found for is gone: nobody waits for its bytes then. */
  readonly signal?: AbortSignal | undefined;
}

/** What a target holds, never empty, and whose it is. */
export interface FoundInstances {
  readonly studyUid: StudyUid;
  readonly patientIssuer: string;
  readonly patientId: string;
  readonly instances: readonly [FoundInstance, ...FoundInstance[]];
}

/** The columns of an instance that {@link instanceOf} reads. */
export const OF_INSTANCE = {
  sopUid: instances.sopUid,
  seriesUid: series.seriesUid,
  sopClassUid: instances.sopClassUid,
  transferSyntax: instances.transferSyntax,
  frames: instances.frames,
  size: instances.size,
  rows: instances.pixelRows,
  columns: instances.pixelColumns,
  bitsAllocated: instances.bitsAllocated,
  storedAt: instances.storedAt,
  orthancId: instances.orthancId,
};

/** Whose study it is. */
export const OF_PATIENT = {
  patientIssuer: patients.issuer,
  patientId: patients.patientId,
};

/** Rights that hold for one study, and whose it is. */
export interface RightsOver extends Pick<FoundInstances, 'patientIssuer' | 'patientId'> {
  readonly rights: readonly Right[];
}

const STUDY_RIGHTS = RIGHTS.filter(isScoped);

/** What there is below a UID, for one account: the only way from a UID to the archive. */
@Injectable()
export class Lookup {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Every instance of the target in series and instance order; throws `NotVisible` when there is none or the right does not cover it. `signal` goes with them. */
  async find(
    policy: Policy,
    right: Right,
    target: ResourceUids,
    signal?: AbortSignal,
  ): Promise<FoundInstances> {
    const rows = await this.database
      .select({ ...OF_INSTANCE, ...OF_PATIENT })
      .from(instances)
      .innerJoin(series, eq(series.id, instances.series))
      .innerJoin(studies, eq(studies.id, series.study))
      .innerJoin(patients, eq(patients.id, studies.patient))
      .where(and(...named(target), toSql(policy, right)))
      .orderBy(asc(series.seriesNumber), asc(series.id), asc(instances.instanceNumber), asc(instances.id));
    const [first, ...rest] = rows.map((row) => instanceOf(row, policy.accountId, signal));
    if (first === undefined) throw new NotVisible();
    const { patientIssuer, patientId } = first;
    return { studyUid: target.study, patientIssuer, patientId, instances: [first, ...rest] };
  }

  /** Whether the right covers the study as it is now; what has gone from the catalog meanwhile is not a matter of rights. */
  async covers(policy: Policy, right: Right, study: StudyUid): Promise<boolean> {
    const [row] = await this.database
      .select({ covered: sql<boolean>`${toSql(policy, right)}` })
      .from(studies)
      .innerJoin(patients, eq(patients.id, studies.patient))
      .where(eq(studies.studyUid, study));
    return row?.covered ?? true;
  }

  /** Whose the study is, when it, or the series in it, is visible; throws `NotVisible` otherwise. */
  async demand(
    policy: Policy,
    right: Right,
    target: Omit<ResourceUids, 'instance'>,
  ): Promise<Pick<FoundInstances, 'patientIssuer' | 'patientId'>> {
    const [row] = await this.database
      .select({ patientIssuer: patients.issuer, patientId: patients.patientId })
      .from(series)
      .innerJoin(studies, eq(studies.id, series.study))
      .innerJoin(patients, eq(patients.id, studies.patient))
      .where(and(...named(target), gt(series.instanceCount, 0), toSql(policy, right)))
      .limit(1);
    if (row === undefined) throw new NotVisible();
    return row;
  }

  /** The rights over studies that cover this one, and whose it is; throws `NotVisible` when it may not be read. */
  async rightsOver(policy: Policy, study: StudyUid): Promise<RightsOver> {
    const [row] = await this.database
      .select({
        patientIssuer: patients.issuer,
        patientId: patients.patientId,
        covered: sql<boolean[]>`array[${sql.join(
          STUDY_RIGHTS.map((right) => toSql(policy, right)),
          sql`, `,
        )}]`,
      })
      .from(studies)
      .innerJoin(patients, eq(patients.id, studies.patient))
      .where(and(eq(studies.studyUid, study), gt(studies.instanceCount, 0), toSql(policy, 'studies:read')));
    if (row === undefined) throw new NotVisible();
    const { covered, ...whose } = row;
    return { ...whose, rights: STUDY_RIGHTS.filter((_, at) => covered[at] === true) };
  }
}

function named(target: ResourceUids): SQL[] {
  return [
    eq(studies.studyUid, target.study),
    ...(target.series === undefined ? [] : [eq(series.seriesUid, target.series)]),
    ...(target.instance === undefined ? [] : [eq(instances.sopUid, target.instance)]),
  ];
}

interface InstanceRow extends Omit<
  FoundInstance,
  'size' | 'rows' | 'columns' | 'bitsAllocated' | 'orthancId' | 'reader' | 'signal'
> {
  readonly size: number | null;
  readonly rows: number | null;
  readonly columns: number | null;
  readonly bitsAllocated: number | null;
  readonly orthancId: string;
}

/** A row of {@link OF_INSTANCE}, whatever else is in it, as an instance found for this account. */
export function instanceOf<Row extends InstanceRow>(found: Row, reader: string, signal?: AbortSignal) {
  const { size, rows, columns, bitsAllocated, orthancId, ...row } = found;
  return Object.assign(row, {
    size: size ?? undefined,
    rows: rows ?? undefined,
    columns: columns ?? undefined,
    bitsAllocated: bitsAllocated ?? undefined,
    orthancId: OrthancId.parse(orthancId),
    reader,
    signal,
  });
}
