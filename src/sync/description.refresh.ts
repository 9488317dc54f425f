import { isDeepStrictEqual } from 'node:util';
import { and, asc, eq, sql } from 'drizzle-orm';
import type { Transaction } from '../database/database.module.js';
import { instances, patients, series, studies } from '../database/schema.catalog.js';
import type { ArchivedInstance } from '../catalog/instance.insert.js';
import { describeInstance, describeSeries, describeStudy } from '../catalog/descriptions.js';
import { isSameContent } from '../catalog/file.content.js';
import { type InstanceFacts, isImageModality } from '../catalog/instance.facts.js';
import { patientOf } from '../catalog/parent.resolution.js';

/** What became of a row whose file was read again: `other` means that it is no longer what this row may say. */
export type Renewal = 'renewed' | 'same' | 'other' | 'gone';

type Described = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/**
 * Writes anew what an instance's row says of its file, and what its series and study say when it is their first. Whose the study is
 * stays as it was settled at the beginning.
 */
export async function refreshDescriptions(
  tx: Transaction,
  id: number,
  facts: InstanceFacts,
  arrived: Pick<ArchivedInstance, 'size' | 'sha256' | 'fileUuid'>,
): Promise<Renewal> {
  const above = await aboveOf(tx, id);
  if (above === undefined) return 'gone';
  // The same file is whose it was when it was acknowledged, also where the archive reads an identifier differently.
  if (!isOf(above, facts)) return isSame(above.instance, facts, arrived) ? 'same' : 'other';
  const moved = above.patient.patientId !== facts.patientId;
  if (moved) await movePatient(tx, above, facts.patientId);
  const described = describeInstance(facts);
  const stale = !says(above.instance, described) || isOther(above.instance, arrived);
  const content = {
    size: arrived.size ?? null,
    sha256: arrived.sha256 ?? null,
    fileUuid: arrived.fileUuid ?? null,
    // Other content came at another time: what clients keep of it is asked for by that.
    ...(stale ? { storedAt: sql`clock_timestamp()` } : {}),
  };
  await tx
    .update(instances)
    .set({ ...described, ...content })
    .where(eq(instances.id, id));
  const staleAbove = await renewAbove(tx, id, above, facts);
  if (!stale && !staleAbove && !moved) return 'same';
  await tx
    .update(series)
    .set({ revision: sql`${series.revision} + 1` })
    .where(eq(series.id, above.series.id));
  if (isImageModality(facts.modality)) {
    const image = sql.param([facts.modality]);
    const imageModalities = sql`array(select distinct unnest(${studies.imageModalities} || ${image}::text[]) order by 1)`;
    await tx.update(studies).set({ imageModalities }).where(eq(studies.id, above.study.id));
  }
  await tx.execute(sql`select refresh_study(${above.study.id})`);
  return 'renewed';
}

interface Above {
  readonly instance: typeof instances.$inferSelect;
  readonly series: typeof series.$inferSelect;
  readonly study: typeof studies.$inferSelect;
  readonly patient: typeof patients.$inferSelect;
}

async function aboveOf(tx: Transaction, id: number): Promise<Above | undefined> {
  // The study first: its lock makes those who write below it take turns.
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

function isOf({ instance, series: row, study, patient }: Above, facts: InstanceFacts): boolean {
  const uids = instance.sopUid === facts.sopUid && row.seriesUid === facts.seriesUid;
  const issuer = facts.headerIssuer === '' || facts.headerIssuer === patient.issuer;
  return (
    uids && study.studyUid === facts.studyUid && isSamePatient(patient.patientId, facts.patientId) && issuer
  );
}

/** Earlier versions took every kind of blank from the ends of a PatientID, not the padding alone: their rows are still this patient's. */
function isSamePatient(held: string, read: string): boolean {
  return held === read || (held !== '' && held === read.trim());
}

/** Gives the study to the patient its file names; what is left of the other one goes when nothing is theirs. */
async function movePatient(tx: Transaction, { study, patient }: Above, patientId: string): Promise<void> {
  const to = await patientOf(tx, { studyUid: study.studyUid, issuer: patient.issuer, patientId });
  await tx.update(studies).set({ patient: to }).where(eq(studies.id, study.id));
  await tx.execute(sql`
    delete from patients where id = ${patient.id} and not exists (select from studies where patient = ${patient.id})`);
}

/** Whether it is the very file, or its content, that the row was made from. */
function isSame(
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

/** True when something there was to write: the first instance says what its series and its study are. */
async function renewAbove(tx: Transaction, id: number, above: Above, facts: InstanceFacts): Promise<boolean> {
  let stale = false;
  const ofSeries = describeSeries(facts);
  if ((await firstBelow(tx, eq(instances.series, above.series.id))) === id && !says(above.series, ofSeries)) {
    stale = true;
    await tx.update(series).set(ofSeries).where(eq(series.id, above.series.id));
  }
  const ofStudy = describeStudy(facts);
  if ((await firstBelow(tx, eq(series.study, above.study.id))) === id && !says(above.study, ofStudy)) {
    stale = true;
    await tx.update(studies).set(ofStudy).where(eq(studies.id, above.study.id));
  }
  return stale;
}

async function firstBelow(tx: Transaction, where: ReturnType<typeof eq>): Promise<number | undefined> {
  const [row] = await tx
    .select({ id: instances.id })
    .from(instances)
    .innerJoin(series, eq(series.id, instances.series))
    .where(and(where))
    .orderBy(asc(instances.id))
    .limit(1);
  return row?.id;
}

/** Whether a row says already what it is to say. */
function says(row: Readonly<Record<string, unknown>>, described: Described): boolean {
  return Object.entries(described).every(([key, value]) => isDeepStrictEqual(row[key], value));
}

/** By its content where that is known of both, else by which file it is. */
function isOther(
  row: typeof instances.$inferSelect,
  now: Pick<ArchivedInstance, 'size' | 'sha256' | 'fileUuid'>,
): boolean {
  if (row.sha256 !== null && now.sha256 !== undefined) return !row.sha256.equals(now.sha256);
  return row.size !== now.size || (row.fileUuid !== null && row.fileUuid !== now.fileUuid);
}
