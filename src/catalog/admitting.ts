import { eq, sql } from 'drizzle-orm';
import type { Transaction } from '../database/database.module.js';
import { instances, series, studies } from '../database/schema.catalog.js';
import type { OrthancId } from '../orthanc/orthanc.id.js';
import { describeInstance, describeStudy } from './descriptions.js';
import { type InstanceFacts, isImageModality } from './instance.facts.js';
import type { Depositor, Place } from './placing.js';

/** An instance as it stands in the archive. */
export interface Arrived {
  readonly id: OrthancId;
  readonly study: OrthancId;
  readonly series: OrthancId;
  readonly size: number | undefined;
  /** SHA-256 of the data set after the file meta information, when it is known. */
  readonly sha256: Buffer | undefined;
  /** Which of the archive's files it is, when that is known. */
  readonly fileUuid?: string | undefined;
}

/** Writes an instance's row and brings counts, modalities and revisions above it up to date. */
export async function admit(
  tx: Transaction,
  at: Place,
  facts: InstanceFacts,
  by: Pick<Depositor, 'accountId' | 'institution'>,
  arrived: Arrived,
): Promise<void> {
  // The study first: its lock makes those who admit into it take turns, so that each counts what the one before has done.
  await admitToStudy(tx, at, facts, by, arrived);
  const [row] = await tx
    .update(series)
    .set({
      orthancId: arrived.series,
      instanceCount: sql`${series.instanceCount} + 1`,
      revision: sql`${series.revision} + 1`,
    })
    .where(eq(series.id, at.series))
    .returning({ count: series.instanceCount });
  if (row?.count === 1) {
    await tx
      .update(studies)
      .set({ seriesCount: sql`${studies.seriesCount} + 1` })
      .where(eq(studies.id, at.study));
  }
  await tx.insert(instances).values({
    ...describeInstance(facts),
    series: at.series,
    orthancId: arrived.id,
    size: arrived.size ?? null,
    sha256: arrived.sha256 ?? null,
    fileUuid: arrived.fileUuid ?? null,
    storedBy: by.accountId ?? null,
  });
}

/** The first instance that arrives fixes what is said of the study, and its institution and creator for good. */
async function admitToStudy(
  tx: Transaction,
  at: Place,
  facts: InstanceFacts,
  by: Pick<Depositor, 'accountId' | 'institution'>,
  arrived: Arrived,
): Promise<void> {
  const modality = facts.modality === '' ? [] : [facts.modality];
  const image = isImageModality(facts.modality) ? [facts.modality] : [];
  const [study] = await tx
    .update(studies)
    .set({
      orthancId: arrived.study,
      instanceCount: sql`${studies.instanceCount} + 1`,
      modalities: union(studies.modalities, modality),
      imageModalities: union(studies.imageModalities, image),
      revision: sql`${studies.revision} + 1`,
    })
    .where(eq(studies.id, at.study))
    .returning({ count: studies.instanceCount });
  if (study?.count !== 1) return;
  await tx
    .update(studies)
    .set({
      ...describeStudy(facts),
      institution: by.institution ?? facts.institution,
      createdBy: by.accountId ?? null,
    })
    .where(eq(studies.id, at.study));
}

/** The sorted union of an array column and a few values. */
function union(
  column: typeof studies.modalities | typeof studies.imageModalities,
  values: readonly string[],
) {
  return sql`array(select distinct unnest(${column} || ${sql.param(values)}::text[]) order by 1)`;
}
