import { isDeepStrictEqual } from 'node:util';
import { and, asc, eq, sql } from 'drizzle-orm';
import type { Transaction } from '../database/database.module.js';
import { instances, patients, series, studies } from '../database/schema.catalog.js';
import type { ArchivedInstance } from '../catalog/instance.insert.js';
import { describeInstance, describeSeries, describeStudy } from '../catalog/descriptions.js';
import { isSameContent } from '../catalog/file.content.js';
import { type InstanceFacts, isImageModality } from '../catalog/instance.facts.js';
import { patientOf } from '../catalog/parent.resolution.js';

/** The outcome for a row whose file was read again. `replaced` means that the file now contains another instance. */
export type RefreshOutcome = 'refreshed' | 'same' | 'replaced' | 'gone';

type DescriptionColumns = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/**
 * Updates the description of an instance from its file. If the instance is the first in its series or study, also updates the description
 * of that series or study. The issuer, institution and creator of the study do not change.
 */
export async function refreshDescriptions(
  tx: Transaction,
  id: number,
  facts: InstanceFacts,
  archived: Pick<ArchivedInstance, 'size' | 'sha256' | 'fileUuid'>,
): Promise<RefreshOutcome> {
  const row = await loadWithParents(tx, id);
  if (row === undefined) return 'gone';
  // If the file is unchanged, the row keeps the identifiers from the first reading. A newer version of the gateway may read an identifier
  // differently.
  if (!hasIdentity(row, facts)) return isSameFile(row.instance, facts, archived) ? 'same' : 'replaced';
  const isMoved = row.patient.patientId !== facts.patientId;
  if (isMoved) await moveToPatient(tx, row, facts.patientId);
  const description = describeInstance(facts);
  const isStale = !equals(row.instance, description) || hasOtherContent(row.instance, archived);
  const content = {
    size: archived.size ?? null,
    sha256: archived.sha256 ?? null,
    fileUuid: archived.fileUuid ?? null,
    // A new time invalidates the content that clients have cached.
    ...(isStale ? { storedAt: sql`clock_timestamp()` } : {}),
  };
  await tx
    .update(instances)
    .set({ ...description, ...content })
    .where(eq(instances.id, id));
  const hasStaleParents = await refreshParents(tx, id, row, facts);
  if (!isStale && !hasStaleParents && !isMoved) return 'same';
  await tx
    .update(series)
    .set({ revision: sql`${series.revision} + 1` })
    .where(eq(series.id, row.series.id));
  if (isImageModality(facts.modality)) {
    const image = sql.param([facts.modality]);
    const imageModalities = sql`array(select distinct unnest(${studies.imageModalities} || ${image}::text[]) order by 1)`;
    await tx.update(studies).set({ imageModalities }).where(eq(studies.id, row.study.id));
  }
  await tx.execute(sql`select refresh_study(${row.study.id})`);
  return 'refreshed';
}

interface InstanceWithParents {
  readonly instance: typeof instances.$inferSelect;
  readonly series: typeof series.$inferSelect;
  readonly study: typeof studies.$inferSelect;
  readonly patient: typeof patients.$inferSelect;
}

async function loadWithParents(tx: Transaction, id: number): Promise<InstanceWithParents | undefined> {
  // Locks the study first. Every transaction that writes a study, or its series or instances, takes this lock. So these transactions run
  // one after the other.
  await tx.execute(sql`
    select from studies where id = (select e.study from series e join instances i on i.series = e.id where i.id = ${id})
    for update`);
  const [row] = await tx
    .select({ instance: instances, series, study: studies, patient: patients })
    .from(instances)
    .innerJoin(series, eq(series.id, instances.series))
    .innerJoin(studies, eq(studies.id, series.study))
    .innerJoin(patients, eq(patients.id, studies.patient))
    .where(eq(instances.id, id));
  return row;
}

function hasIdentity(
  { instance, series: row, study, patient }: InstanceWithParents,
  facts: InstanceFacts,
): boolean {
  const uids = instance.sopUid === facts.sopUid && row.seriesUid === facts.seriesUid;
  const issuer = facts.headerIssuer === '' || facts.headerIssuer === patient.issuer;
  return (
    uids && study.studyUid === facts.studyUid && isSamePatient(patient.patientId, facts.patientId) && issuer
  );
}

/**
 * Earlier versions removed all white space at both ends of a PatientID, and not only its padding. A row with such a PatientID belongs to
 * the same patient.
 */
function isSamePatient(held: string, read: string): boolean {
  return held === read || (held !== '' && held === read.trim());
}

/** Moves the study to the patient whose PatientID is in the file. Deletes the previous patient if that patient has no study left. */
async function moveToPatient(
  tx: Transaction,
  { study, patient }: InstanceWithParents,
  patientId: string,
): Promise<void> {
  const to = await patientOf(tx, { studyUid: study.studyUid, issuer: patient.issuer, patientId });
  await tx.update(studies).set({ patient: to }).where(eq(studies.id, study.id));
  await tx.execute(sql`
    delete from patients where id = ${patient.id} and not exists (select from studies where patient = ${patient.id})`);
}

/** Whether the row was made from this file, or from a file with the same content. */
function isSameFile(
  row: typeof instances.$inferSelect,
  { transferSyntax }: InstanceFacts,
  now: Pick<ArchivedInstance, 'sha256' | 'fileUuid'>,
): boolean {
  if (row.fileUuid !== null && row.fileUuid === now.fileUuid) return true;
  if (row.sha256 === null || now.sha256 === undefined) return false;
  return isSameContent(
    { transferSyntax: row.transferSyntax, sha256: row.sha256 },
    { transferSyntax, sha256: now.sha256 },
  );
}

/** Updates the series and the study if `id` is their first instance. Returns true if one of them changed. */
async function refreshParents(
  tx: Transaction,
  id: number,
  row: InstanceWithParents,
  facts: InstanceFacts,
): Promise<boolean> {
  let isStale = false;
  const seriesDescription = describeSeries(facts);
  if (
    (await firstInstance(tx, eq(instances.series, row.series.id))) === id &&
    !equals(row.series, seriesDescription)
  ) {
    isStale = true;
    await tx.update(series).set(seriesDescription).where(eq(series.id, row.series.id));
  }
  const studyDescription = describeStudy(facts);
  if (
    (await firstInstance(tx, eq(series.study, row.study.id))) === id &&
    !equals(row.study, studyDescription)
  ) {
    isStale = true;
    await tx.update(studies).set(studyDescription).where(eq(studies.id, row.study.id));
  }
  return isStale;
}

async function firstInstance(tx: Transaction, where: ReturnType<typeof eq>): Promise<number | undefined> {
  const [row] = await tx
    .select({ id: instances.id })
    .from(instances)
    .innerJoin(series, eq(series.id, instances.series))
    .where(and(where))
    .orderBy(asc(instances.id))
    .limit(1);
  return row?.id;
}

/** Whether a row already has these values. */
function equals(row: Readonly<Record<string, unknown>>, described: DescriptionColumns): boolean {
  return Object.entries(described).every(([key, value]) => isDeepStrictEqual(row[key], value));
}

/** Compares the content hashes if both are known. Otherwise compares the size and the UUID of the file. */
function hasOtherContent(
  row: typeof instances.$inferSelect,
  now: Pick<ArchivedInstance, 'size' | 'sha256' | 'fileUuid'>,
): boolean {
  if (row.sha256 !== null && now.sha256 !== undefined) return !row.sha256.equals(now.sha256);
  return row.size !== now.size || (row.fileUuid !== null && row.fileUuid !== now.fileUuid);
}
