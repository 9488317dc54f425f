import { Inject, Injectable } from '@nestjs/common';
import { and, asc, eq, gt, type SQL, sql } from 'drizzle-orm';
import { allows, type Policy, toSql } from '../authz/policy.js';
import { isScoped, type Right, RIGHTS } from '../authz/rights.js';
import { DATABASE, type Database } from '../database/database.module.js';
import { instances, patients, series, studies } from '../database/schema.catalog.js';
import { OrthancId } from '../orthanc/orthanc.id.js';
import { NotVisible } from '../problems/errors.js';
import { shareDigest } from './content.digest.js';
import { STUDY_COLUMNS, studyOf, withoutStudy } from './study.columns.js';
import { type RecentStudy, RecentStudies } from './recent.studies.js';
import type { SeriesUid, SopUid, StudyUid } from '../dicom/uids.js';

/** The UIDs of a study, series or instance. UIDs that belong to different studies match nothing. */
export interface ResourceUids {
  readonly study: StudyUid;
  readonly series?: SeriesUid | undefined;
  readonly instance?: SopUid | undefined;
}

/** An instance that an account may read, with its Orthanc id. */
export interface FoundInstance {
  readonly sopUid: string;
  readonly seriesUid: string;
  readonly sopClassUid: string;
  readonly transferSyntax: string;
  readonly frames: number;
  readonly size: number | undefined;
  /** `undefined` if the instance has no pixels, or if its header is incomplete. */
  readonly rows: number | undefined;
  readonly columns: number | undefined;
  readonly bitsAllocated: number | undefined;
  /** When this content was stored. If the content is replaced, the time changes. */
  readonly storedAt: Date;
  readonly orthancId: OrthancId;
  /** The account that reads the instance. Some limits apply to each account separately. */
  readonly reader: string;
  /** Aborts when the client has disconnected. */
  readonly signal?: AbortSignal | undefined;
}

/** At least one instance of a study, and the patient of the study. */
export interface FoundInstances {
  readonly studyUid: StudyUid;
  readonly patientIssuer: string;
  readonly patientId: string;
  readonly instances: readonly [FoundInstance, ...FoundInstance[]];
}

/** The columns that {@link instanceOf} reads. */
export const INSTANCE_COLUMNS = {
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

/** The columns of the patient that {@link FoundInstances} needs. */
export const PATIENT_COLUMNS = {
  patientIssuer: patients.issuer,
  patientId: patients.patientId,
};

/** The rights that an account has on a study, and the patient of the study. */
export interface RightsOver extends Pick<FoundInstances, 'patientIssuer' | 'patientId'> {
  readonly rights: readonly Right[];
}

const STUDY_RIGHTS = RIGHTS.filter(isScoped);

/** Finds instances by their UIDs for one account. All reads of the archive by UID use this service. */
@Injectable()
export class Lookup {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly memory: RecentStudies<InstanceRow>,
  ) {}

  /**
   * Returns all instances of a study, series or instance, ordered by series and instance number. Throws `NotVisible` if there are no
   * instances, or if the right does not cover the study. `signal` is added to each instance.
   */
  async find(
    policy: Policy,
    right: Right,
    target: ResourceUids,
    signal?: AbortSignal,
  ): Promise<FoundInstances> {
    const keep = this.memory.begin();
    const found = await this.database
      .select({ ...INSTANCE_COLUMNS, ...PATIENT_COLUMNS, ...STUDY_COLUMNS })
      .from(instances)
      .innerJoin(series, eq(series.id, instances.series))
      .innerJoin(studies, eq(studies.id, series.study))
      .innerJoin(patients, eq(patients.id, studies.patient))
      .where(and(...matchesUids(target), toSql(policy, right)))
      .orderBy(asc(series.seriesNumber), asc(series.id), asc(instances.instanceNumber), asc(instances.id));
    const [first] = found;
    if (first === undefined) throw new NotVisible();
    const study = studyOf(target.study, first);
    const rows = found.map(withoutStudy);
    keep(study);
    this.memory.keep(study, rows, target.series, target.instance);
    return foundOf(study, rows, policy.accountId, signal);
  }

  /**
   * The same as {@link find}, but the study may come from the memory of the gateway if it was read in the last four seconds and has not
   * changed since. If the memory gives no positive answer, the database is read.
   */
  async findRecent(
    policy: Policy,
    right: Right,
    target: ResourceUids,
    signal?: AbortSignal,
  ): Promise<FoundInstances> {
    const study = this.memory.study(target.study);
    // A study out of scope takes as long as an unknown study, because the database is read in both cases.
    if (study !== undefined && allows(policy, right, study.facts)) {
      const rows = this.memory.rows(study, target.series, target.instance);
      if (rows !== undefined) return foundOf(study, rows, policy.accountId, signal);
    }
    return this.find(policy, right, target, signal);
  }

  /** Whether the right covers the study now. Returns true if the study is no longer in the catalog. */
  async covers(policy: Policy, right: Right, study: StudyUid): Promise<boolean> {
    const [row] = await this.database
      .select({ covered: sql<boolean>`${toSql(policy, right)}` })
      .from(studies)
      .innerJoin(patients, eq(patients.id, studies.patient))
      .where(eq(studies.studyUid, study));
    return row?.covered ?? true;
  }

  /** Returns the patient of a study. Throws `NotVisible` if the account may not see the study or the given series. */
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
      .where(and(...matchesUids(target), gt(series.instanceCount, 0), toSql(policy, right)))
      .limit(1);
    if (row === undefined) throw new NotVisible();
    return row;
  }

  /** Returns the rights that cover this study, and the patient of the study. Throws `NotVisible` if the account may not read the study. */
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
    const { covered, ...patient } = row;
    return { ...patient, rights: STUDY_RIGHTS.filter((_, at) => covered[at] === true) };
  }
}

function matchesUids(target: ResourceUids): SQL[] {
  return [
    eq(studies.studyUid, target.study),
    ...(target.series === undefined ? [] : [eq(series.seriesUid, target.series)]),
    ...(target.instance === undefined ? [] : [eq(instances.sopUid, target.instance)]),
  ];
}

function foundOf(
  { facts }: RecentStudy,
  rows: readonly InstanceRow[],
  reader: string,
  signal: AbortSignal | undefined,
): FoundInstances {
  const [first, ...rest] = parsedRows(rows).map((one) => readBy(one, reader, signal));
  if (first === undefined) throw new NotVisible();
  const { studyUid, issuer: patientIssuer, patientId } = facts;
  const found = { studyUid, patientIssuer, patientId, instances: [first, ...rest] as const };
  // The rows stay in memory for other requests.
  shareDigest(rows, found.instances);
  return found;
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

/** The instances of lists of rows that stay in memory, without the fields of a request. */
const parsed = new WeakMap<readonly InstanceRow[], readonly ReturnType<typeof instanceOf<InstanceRow>>[]>();

function parsedRows(rows: readonly InstanceRow[]) {
  const known = parsed.get(rows) ?? rows.map((row) => instanceOf(row, ''));
  parsed.set(rows, known);
  return known;
}

function readBy(one: FoundInstance, reader: string, signal: AbortSignal | undefined): FoundInstance {
  return { ...one, reader, signal };
}

/** Converts a row with {@link INSTANCE_COLUMNS} to an instance for this account. Additional columns of the row are copied. */
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
