import { and, eq, or, sql } from 'drizzle-orm';
import type { StudyFacts } from '../authz/policy.js';
import type { Transaction } from '../database/database.module.js';
import { patients, pending, series, studies } from '../database/schema.catalog.js';
import { describeSeries, describeStudy } from './descriptions.js';
import { type InstanceFacts, isImageModality } from './instance.facts.js';
import type { ParentRows } from './parent.rows.js';
import { RowVanished } from './retrying.js';

/** The sender of an instance, with two functions that evaluate the policy of the sender's account. */
export interface Uploader {
  readonly accountId: string | undefined;
  /** If set, replaces the institution in the header. */
  readonly institution: string | undefined;
  readonly issuer: string | undefined;
  readonly defaultIssuer: string;
  /** Whether the sender may store only into existing studies. */
  readonly existingOnly?: boolean;
  /** Whether the sender may store into this study. */
  readonly permits: (study: StudyFacts) => boolean;
  /** Whether the sender may know that this study exists. */
  readonly sees: (study: StudyFacts) => boolean;
}

/**
 * Why an instance is refused. `identity` means a conflict with a study that the sender may see, and `rejected` that the instance is rejected
 * and the sender may see its study. All other conflicts are `not-permitted`.
 */
export type StoreRefusal = 'not-permitted' | 'identity' | 'rejected';

/** The result depends on the reservation of another upload. `otherwise` is the result if the other upload takes too long. */
export interface AwaitedReservation {
  readonly kind: 'held';
  readonly otherwise: StoreRefusal;
}

/** A study and its patient. The row of the study is locked against deletion until the transaction ends. */
type LockedStudy = StudyFacts & {
  readonly id: number;
  readonly instanceCount: number;
  readonly rejectedCount: number;
};

/** Whether the study has only reservations. Rejected instances determine the patient, institution and creator of a study too. */
function isNew({ instanceCount, rejectedCount }: LockedStudy): boolean {
  return instanceCount === 0 && rejectedCount === 0;
}

/**
 * Finds or creates the patient, study and series of an instance. Unique keys guarantee that a study has one patient and a series has one
 * study. Runs in the caller's transaction. PostgreSQL makes concurrent inserts of the same keys wait for each other.
 */
export async function resolveParents(
  tx: Transaction,
  facts: InstanceFacts,
  by: Uploader,
): Promise<ParentRows | StoreRefusal | AwaitedReservation> {
  const study = (await lockStudy(tx, facts.studyUid)) ?? (await createStudy(tx, facts, by));
  if (study === undefined) return 'not-permitted';
  const refusal = refusalOf(study, facts, by);
  // The first stored instance determines the patient, institution and creator of a study. A reservation does not determine them.
  if (isNew(study) && (await isContested(tx, study, by, refusal)))
    return { kind: 'held', otherwise: refusal ?? 'not-permitted' };
  return refusal ?? resolveSeries(tx, study, facts, by);
}

function refusalOf(study: LockedStudy, facts: InstanceFacts, by: Uploader): StoreRefusal | undefined {
  if (!isNew(study) && !by.permits(study)) return 'not-permitted';
  if (study.instanceCount === 0 && by.existingOnly === true) return 'not-permitted';
  if (!by.permits(withInstance(study, facts, by))) return 'not-permitted';
  const issuer = facts.headerIssuer || by.issuer;
  const agrees = study.patientId === facts.patientId && (!issuer || issuer === study.issuer);
  return agrees ? undefined : 'identity';
}

/**
 * Whether another account has a valid reservation in this study. The study has no instances. If there is a `refusal`, expired reservations and
 * reservations of the same account count too.
 */
async function isContested(
  tx: Transaction,
  study: LockedStudy,
  by: Uploader,
  refusal: StoreRefusal | undefined,
): Promise<boolean> {
  const another = and(
    sql`${pending.expiresAt} >= clock_timestamp()`,
    sql`${pending.accountId} is distinct from ${by.accountId ?? null}::uuid`,
  );
  const [row] = await tx
    .select({ sopUid: pending.sopUid })
    .from(pending)
    .innerJoin(series, eq(series.id, pending.series))
    .where(and(eq(series.study, study.id), or(another, sql`${refusal !== undefined}`)))
    .limit(1);
  return row !== undefined;
}

/** Returns a study by its UID, and locks its row against deletion. */
async function lockStudy(tx: Transaction, studyUid: string): Promise<LockedStudy | undefined> {
  return lockStudyWhere(tx, eq(studies.studyUid, studyUid));
}

async function lockStudyWhere(
  tx: Transaction,
  where: ReturnType<typeof eq>,
): Promise<LockedStudy | undefined> {
  const [row] = await tx
    .select({
      id: studies.id,
      studyUid: studies.studyUid,
      institution: studies.institution,
      imageModalities: studies.imageModalities,
      createdBy: studies.createdBy,
      instanceCount: studies.instanceCount,
      rejectedCount: studies.rejectedCount,
      issuer: patients.issuer,
      patientId: patients.patientId,
    })
    .from(studies)
    .innerJoin(patients, eq(patients.id, studies.patient))
    .where(where)
    .for('key share', { of: studies });
  return row === undefined ? undefined : { ...row, createdBy: row.createdBy ?? undefined };
}

async function createStudy(
  tx: Transaction,
  facts: InstanceFacts,
  by: Uploader,
): Promise<LockedStudy | undefined> {
  const candidate: StudyFacts = {
    studyUid: facts.studyUid,
    issuer: facts.headerIssuer || by.issuer || by.defaultIssuer,
    patientId: facts.patientId,
    institution: by.institution ?? facts.institution,
    imageModalities: isImageModality(facts.modality) ? [facts.modality] : [],
    createdBy: by.accountId,
  };
  if (by.existingOnly === true || !by.permits(candidate)) return undefined;
  const patient = await patientOf(tx, candidate);
  await tx
    .insert(studies)
    .values({
      studyUid: facts.studyUid,
      patient,
      institution: candidate.institution,
      createdBy: by.accountId ?? null,
      ...describeStudy(facts),
    })
    .onConflictDoNothing();
  const study = await lockStudy(tx, facts.studyUid);
  if (study === undefined) throw new RowVanished();
  return study;
}

/** Finds or creates the patient of a study. A study without PatientID gets its own patient. */
export async function patientOf(
  tx: Transaction,
  study: Pick<StudyFacts, 'studyUid' | 'issuer' | 'patientId'>,
): Promise<number> {
  const soleStudyUid = study.patientId === '' ? study.studyUid : null;
  const key =
    soleStudyUid === null
      ? and(eq(patients.issuer, study.issuer), eq(patients.patientId, study.patientId))
      : eq(patients.soleStudyUid, soleStudyUid);
  await tx
    .insert(patients)
    .values({ issuer: study.issuer, patientId: study.patientId, soleStudyUid })
    .onConflictDoNothing();
  const [row] = await tx.select({ id: patients.id }).from(patients).where(key).for('key share');
  if (row === undefined) throw new RowVanished();
  return row.id;
}

/**
 * Returns the facts that the policy checks: the study as if this instance were inserted, but with the institution of the instance. If the
 * study has no instances, the sender is its creator.
 */
function withInstance(study: LockedStudy, facts: InstanceFacts, by: Uploader): StudyFacts {
  const added = isImageModality(facts.modality) ? [facts.modality] : [];
  return {
    ...study,
    createdBy: isNew(study) ? by.accountId : study.createdBy,
    institution: by.institution ?? (facts.institution || study.institution),
    imageModalities: [...new Set([...study.imageModalities, ...added])],
  };
}

async function resolveSeries(
  tx: Transaction,
  study: LockedStudy,
  facts: InstanceFacts,
  by: Uploader,
): Promise<ParentRows | StoreRefusal> {
  const row = (await lockSeries(tx, facts)) ?? (await createSeries(tx, study, facts));
  if (row.study !== study.id) return refusalForConflict(tx, row.study, by);
  return { study: study.id, series: row.id };
}

async function lockSeries(tx: Transaction, facts: InstanceFacts) {
  const [row] = await tx
    .select({ id: series.id, study: series.study })
    .from(series)
    .where(eq(series.seriesUid, facts.seriesUid))
    .for('key share');
  return row;
}

async function createSeries(tx: Transaction, study: LockedStudy, facts: InstanceFacts) {
  await tx
    .insert(series)
    .values({ seriesUid: facts.seriesUid, study: study.id, ...describeSeries(facts) })
    .onConflictDoNothing();
  const row = await lockSeries(tx, facts);
  if (row === undefined) throw new RowVanished();
  return row;
}

/**
 * Returns the reason for refusing an instance that conflicts with this study. If the sender may not see the study, the reason is
 * `not-permitted`, so that the response does not reveal the study.
 */
export async function refusalForConflict(
  tx: Transaction,
  study: number,
  by: Uploader,
): Promise<StoreRefusal> {
  const other = await lockStudyWhere(tx, eq(studies.id, study));
  return other !== undefined && by.sees(other) ? 'identity' : 'not-permitted';
}
