import { and, eq, or, sql } from 'drizzle-orm';
import type { StudyFacts } from '../authz/policy.js';
import type { Transaction } from '../database/database.module.js';
import { patients, pending, series, studies } from '../database/schema.catalog.js';
import { describeSeries, describeStudy } from './descriptions.js';
import { type InstanceFacts, isImageModality } from './instance.facts.js';
import { RowVanished } from './retrying.js';

/** Who brings an instance, and what they may: the answers of `authz` as functions, so that placing decides nothing itself. */
export interface Uploader {
  readonly accountId: string | undefined;
  /** What is said of everything they bring; it wins over the header. */
  readonly institution: string | undefined;
  readonly issuer: string | undefined;
  readonly defaultIssuer: string;
  /** Only into what is there already: they may not begin a study. */
  readonly existingOnly?: boolean;
  /** May they store into a study of these facts. */
  readonly permits: (study: StudyFacts) => boolean;
  /** May they know that a study of these facts exists. */
  readonly sees: (study: StudyFacts) => boolean;
}

/** Why an instance has no place: a conflict of identities is told only to who may see what it conflicts with. */
export type StoreRefusal = 'not-permitted' | 'identity';

/** Another's instance is on its way: only its end tells what is true. `otherwise` is the answer when that takes too long. */
export interface AwaitedReservation {
  readonly kind: 'held';
  readonly otherwise: StoreRefusal;
}

/** The catalog's rows an instance belongs under. */
export interface ParentRows {
  readonly study: number;
  readonly series: number;
}

/** A study's row with its patient's key, locked against removal until the transaction ends. */
export type LockedStudy = StudyFacts & { readonly id: number; readonly instanceCount: number };

/**
 * Finds or makes the rows above an instance under the catalog's unique keys: a study has one patient, a series one study.
 * Runs in the caller's transaction; concurrent arrivals of the same keys wait for each other in Postgres.
 */
export async function resolveParents(
  tx: Transaction,
  facts: InstanceFacts,
  by: Uploader,
): Promise<ParentRows | StoreRefusal | AwaitedReservation> {
  const study = (await holdStudy(tx, facts.studyUid)) ?? (await makeStudy(tx, facts, by));
  if (study === undefined) return 'not-permitted';
  const refusal = refusalOf(study, facts, by);
  // Patient, institution and creator of a study are settled when its first instance has arrived, not when one is announced.
  if (study.instanceCount === 0 && (await isContested(tx, study, by, refusal)))
    return { kind: 'held', otherwise: refusal ?? 'not-permitted' };
  return refusal ?? placeSeries(tx, study, facts, by);
}

function refusalOf(study: LockedStudy, facts: InstanceFacts, by: Uploader): StoreRefusal | undefined {
  if (study.instanceCount > 0 && !by.permits(study)) return 'not-permitted';
  if (study.instanceCount === 0 && by.existingOnly === true) return 'not-permitted';
  if (!by.permits(withInstance(study, facts, by))) return 'not-permitted';
  const issuer = facts.headerIssuer || by.issuer;
  const agrees = study.patientId === facts.patientId && (!issuer || issuer === study.issuer);
  return agrees ? undefined : 'identity';
}

/** Whether reservations of others, or contradicting ones, stand in a study without instances. */
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

/** The study by its UID, held so that it cannot be removed meanwhile. */
async function holdStudy(tx: Transaction, studyUid: string): Promise<LockedStudy | undefined> {
  return hold(tx, eq(studies.studyUid, studyUid));
}

async function hold(tx: Transaction, where: ReturnType<typeof eq>): Promise<LockedStudy | undefined> {
  const [row] = await tx
    .select({
      id: studies.id,
      studyUid: studies.studyUid,
      institution: studies.institution,
      imageModalities: studies.imageModalities,
      createdBy: studies.createdBy,
      instanceCount: studies.instanceCount,
      issuer: patients.issuer,
      patientId: patients.patientId,
    })
    .from(studies)
    .innerJoin(patients, eq(patients.id, studies.patient))
    .where(where)
    .for('key share', { of: studies });
  return row === undefined ? undefined : { ...row, createdBy: row.createdBy ?? undefined };
}

async function makeStudy(
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
  const study = await holdStudy(tx, facts.studyUid);
  if (study === undefined) throw new RowVanished();
  return study;
}

/** The patient's row, made when it is new; a study without PatientID gets a patient of its own. */
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

/** The study as it would be with the instance in it, seen with the institution the instance claims; the first one creates it. */
function withInstance(study: LockedStudy, facts: InstanceFacts, by: Uploader): StudyFacts {
  const added = isImageModality(facts.modality) ? [facts.modality] : [];
  return {
    ...study,
    createdBy: study.instanceCount === 0 ? by.accountId : study.createdBy,
    institution: by.institution ?? (facts.institution || study.institution),
    imageModalities: [...new Set([...study.imageModalities, ...added])],
  };
}

async function placeSeries(
  tx: Transaction,
  study: LockedStudy,
  facts: InstanceFacts,
  by: Uploader,
): Promise<ParentRows | StoreRefusal> {
  const row = (await holdSeries(tx, facts)) ?? (await makeSeries(tx, study, facts));
  if (row.study !== study.id) return refusalForConflict(tx, row.study, by);
  return { study: study.id, series: row.id };
}

async function holdSeries(tx: Transaction, facts: InstanceFacts) {
  const [row] = await tx
    .select({ id: series.id, study: series.study })
    .from(series)
    .where(eq(series.seriesUid, facts.seriesUid))
    .for('key share');
  return row;
}

async function makeSeries(tx: Transaction, study: LockedStudy, facts: InstanceFacts) {
  await tx
    .insert(series)
    .values({ seriesUid: facts.seriesUid, study: study.id, ...describeSeries(facts) })
    .onConflictDoNothing();
  const row = await holdSeries(tx, facts);
  if (row === undefined) throw new RowVanished();
  return row;
}

/** A conflict with a study the depositor may not see looks like a missing permission (no oracle). */
export async function refusalForConflict(
  tx: Transaction,
  study: number,
  by: Uploader,
): Promise<StoreRefusal> {
  const other = await hold(tx, eq(studies.id, study));
  return other !== undefined && by.sees(other) ? 'identity' : 'not-permitted';
}

/** Locks the rows above an instance from the top down, as every writer does, so that a late reservation is seen and none waits in a circle. */
export async function lockParents(tx: Transaction, ids: ParentRows): Promise<void> {
  await tx.execute(sql`select from studies where id = ${ids.study} for update`);
  await tx.execute(sql`select from series where id = ${ids.series} for update`);
}

/** Takes away rows that hold nothing and are reserved by nobody; the caller has locked them with {@link lockParents}. */
export async function deleteEmptyParents(tx: Transaction, ids: ParentRows): Promise<void> {
  await tx.execute(sql`
    delete from series where id = ${ids.series}
    and not exists (select from instances where series = ${ids.series})
    and not exists (select from pending where series = ${ids.series})`);
  await tx.execute(sql`
    with gone as (
      delete from studies where id = ${ids.study} and not exists (select from series where study = ${ids.study})
      returning id, patient)
    delete from patients using gone where patients.id = gone.patient
    and not exists (select from studies other where other.patient = gone.patient and other.id <> gone.id)`);
}
