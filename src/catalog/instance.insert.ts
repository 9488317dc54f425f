import { eq, sql } from 'drizzle-orm';
import type { Transaction } from '../database/database.module.js';
import { instances, series, studies } from '../database/schema.catalog.js';
import type { OrthancId } from '../orthanc/orthanc.id.js';
import { describeInstance, describeStudy } from './descriptions.js';
import { type InstanceFacts, isImageModality } from './instance.facts.js';
import type { Uploader, ParentRows } from './parent.resolution.js';

/** The copy of an instance in the archive. */
export interface ArchivedInstance {
  readonly id: OrthancId;
  readonly study: OrthancId;
  readonly series: OrthancId;
  readonly size: number | undefined;
  /** SHA-256 of the data set after the file meta information, if known. */
  readonly sha256: Buffer | undefined;
  /** The UUID of the file in Orthanc, if known. */
  readonly fileUuid?: string | undefined;
}

/** An instance to insert, with its copy in the archive and the facts of its header. */
export interface NewInstance {
  readonly facts: InstanceFacts;
  readonly archived: ArchivedInstance;
}

/** Inserts instances of one series in the given order. Updates the counts, modalities and revisions of the series and the study. */
export async function insertInstances(
  tx: Transaction,
  at: ParentRows,
  by: Pick<Uploader, 'accountId' | 'institution'>,
  added: readonly [NewInstance, ...NewInstance[]],
): Promise<void> {
  // Updates the study first. The lock on the study's row makes concurrent inserts into the study run one after the other. Each insert
  // therefore sees the counts of the previous insert.
  await updateStudy(tx, at, by, added);
  const [first] = added;
  const [row] = await tx
    .update(series)
    .set({
      orthancId: first.archived.series,
      instanceCount: sql`${series.instanceCount} + ${added.length}::integer`,
      revision: sql`${series.revision} + 1`,
    })
    .where(eq(series.id, at.series))
    .returning({ count: series.instanceCount });
  if (row?.count === added.length) {
    await tx
      .update(studies)
      .set({ seriesCount: sql`${studies.seriesCount} + 1` })
      .where(eq(studies.id, at.study));
  }
  await tx.insert(instances).values(
    added.map(({ facts, archived }) => ({
      ...describeInstance(facts),
      series: at.series,
      orthancId: archived.id,
      size: archived.size ?? null,
      sha256: archived.sha256 ?? null,
      fileUuid: archived.fileUuid ?? null,
      storedBy: by.accountId ?? null,
    })),
  );
}

/**
 * Updates the counts and modalities of a study. The first instance also sets the description, institution and creator of the study. The
 * institution and the creator do not change later.
 */
async function updateStudy(
  tx: Transaction,
  at: ParentRows,
  by: Pick<Uploader, 'accountId' | 'institution'>,
  added: readonly [NewInstance, ...NewInstance[]],
): Promise<void> {
  const [{ facts, archived }] = added;
  const modalities = [...new Set(added.map((one) => one.facts.modality))];
  const [study] = await tx
    .update(studies)
    .set({
      orthancId: archived.study,
      instanceCount: sql`${studies.instanceCount} + ${added.length}::integer`,
      modalities: union(
        studies.modalities,
        modalities.filter((modality) => modality !== ''),
      ),
      imageModalities: union(studies.imageModalities, modalities.filter(isImageModality)),
      revision: sql`${studies.revision} + 1`,
    })
    .where(eq(studies.id, at.study))
    .returning({ count: studies.instanceCount });
  if (study?.count !== added.length) return;
  await tx
    .update(studies)
    .set({
      ...describeStudy(facts),
      institution: by.institution ?? facts.institution,
      createdBy: by.accountId ?? null,
    })
    .where(eq(studies.id, at.study));
}

/** The sorted union of an array column and these values. */
function union(
  column: typeof studies.modalities | typeof studies.imageModalities,
  values: readonly string[],
) {
  return sql`array(select distinct unnest(${column} || ${sql.param(values)}::text[]) order by 1)`;
}
