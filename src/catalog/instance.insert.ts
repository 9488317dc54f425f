import { eq, sql } from 'drizzle-orm';
import type { Transaction } from '../database/database.module.js';
import { instances, series, studies } from '../database/schema.catalog.js';
import type { OrthancId } from '../orthanc/orthanc.id.js';
import { describeInstance, describeStudy } from './descriptions.js';
import { type InstanceFacts, isImageModality } from './instance.facts.js';
import type { Uploader, ParentRows } from './parent.resolution.js';

/** An instance as it stands in the archive. */
export interface ArchivedInstance {
  readonly id: OrthancId;
  readonly study: OrthancId;
  readonly series: OrthancId;
  readonly size: number | undefined;
  /** SHA-256 of the data set after the file meta information, when it is known. */
  readonly sha256: Buffer | undefined;
  /** Which of the archive's files it is, when that is known. */
  readonly fileUuid?: string | undefined;
}

/** An instance with what its header says. */
export interface NewInstance {
  readonly facts: InstanceFacts;
  readonly arrived: ArchivedInstance;
}

/** Writes the rows of instances of one series, in their order, and brings counts, modalities and revisions above them up to date. */
export async function insertInstances(
  tx: Transaction,
  at: ParentRows,
  by: Pick<Uploader, 'accountId' | 'institution'>,
  newcomers: readonly [NewInstance, ...NewInstance[]],
): Promise<void> {
  // The study first: its lock makes those who admit into it take turns, so that each counts what the one before has done.
  await admitToStudy(tx, at, by, newcomers);
  const [first] = newcomers;
  const [row] = await tx
    .update(series)
    .set({
      orthancId: first.arrived.series,
      instanceCount: sql`${series.instanceCount} + ${newcomers.length}::integer`,
      revision: sql`${series.revision} + 1`,
    })
    .where(eq(series.id, at.series))
    .returning({ count: series.instanceCount });
  if (row?.count === newcomers.length) {
    await tx
      .update(studies)
      .set({ seriesCount: sql`${studies.seriesCount} + 1` })
      .where(eq(studies.id, at.study));
  }
  await tx.insert(instances).values(
    newcomers.map(({ facts, arrived }) => ({
      ...describeInstance(facts),
      series: at.series,
      orthancId: arrived.id,
      size: arrived.size ?? null,
      sha256: arrived.sha256 ?? null,
      fileUuid: arrived.fileUuid ?? null,
      storedBy: by.accountId ?? null,
    })),
  );
}

/** The first instance that arrives fixes what is said of the study, and its institution and creator for good. */
async function admitToStudy(
  tx: Transaction,
  at: ParentRows,
  by: Pick<Uploader, 'accountId' | 'institution'>,
  newcomers: readonly [NewInstance, ...NewInstance[]],
): Promise<void> {
  const [{ facts, arrived }] = newcomers;
  const modalities = [...new Set(newcomers.map((one) => one.facts.modality))];
  const [study] = await tx
    .update(studies)
    .set({
      orthancId: arrived.study,
      instanceCount: sql`${studies.instanceCount} + ${newcomers.length}::integer`,
      modalities: union(
        studies.modalities,
        modalities.filter((modality) => modality !== ''),
      ),
      imageModalities: union(studies.imageModalities, modalities.filter(isImageModality)),
      revision: sql`${studies.revision} + 1`,
    })
    .where(eq(studies.id, at.study))
    .returning({ count: studies.instanceCount });
  if (study?.count !== newcomers.length) return;
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
