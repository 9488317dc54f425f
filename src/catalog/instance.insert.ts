import { eq, sql } from 'drizzle-orm';
import type { Transaction } from '../database/database.module.js';
import { series, studies } from '../database/schema.catalog.js';
import type { OrthancId } from '../orthanc/orthanc.id.js';
import { describeInstance, describeStudy } from './descriptions.js';
import { type InstanceFacts, isImageModality } from './instance.facts.js';
import type { Uploader } from './parent.resolution.js';
import type { ParentRows } from './parent.rows.js';

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
  await insertRows(tx, at, by, added);
}

/** Inserts the rows with one statement whose text does not depend on their number. */
async function insertRows(
  tx: Transaction,
  at: ParentRows,
  by: Pick<Uploader, 'accountId'>,
  added: readonly NewInstance[],
): Promise<void> {
  const rows = added.map(({ facts, archived }) => Object.assign(describeInstance(facts), archived));
  type Row = (typeof rows)[number];
  const texts = (value: (row: Row) => string | null | undefined) =>
    sql`${sql.param(rows.map((row) => value(row) ?? null))}::text[]`;
  const numbers = (value: (row: Row) => number | null | undefined) =>
    sql`${sql.param(rows.map((row) => value(row) ?? null))}::bigint[]`;
  const columns = [
    texts((row) => row.sopUid),
    texts((row) => row.sopClassUid),
    texts((row) => row.modality),
    texts((row) => row.transferSyntax),
    numbers((row) => row.instanceNumber),
    numbers((row) => row.pixelRows),
    numbers((row) => row.pixelColumns),
    numbers((row) => row.bitsAllocated),
    numbers((row) => row.frames),
    texts((row) => row.id),
    numbers((row) => row.size),
    texts((row) => row.sha256?.toString('hex')),
    texts((row) => row.fileUuid),
    numbers((row) => (row.irregular ? 1 : 0)),
  ];
  await tx.execute(sql`
    insert into instances (series, stored_by, sop_uid, sop_class_uid, modality, transfer_syntax, instance_number, pixel_rows,
      pixel_columns, bits_allocated, frames, orthanc_id, size, sha256, file_uuid, irregular)
    select ${at.series}::bigint, ${by.accountId ?? null}::uuid, sop_uid, sop_class_uid, modality, transfer_syntax, instance_number,
      pixel_rows, pixel_columns, bits_allocated, frames, orthanc_id, size, decode(sha256, 'hex'), file_uuid, irregular = 1
    from unnest(${sql.join(columns, sql`, `)}) with ordinality as added (sop_uid, sop_class_uid, modality, transfer_syntax,
      instance_number, pixel_rows, pixel_columns, bits_allocated, frames, orthanc_id, size, sha256, file_uuid, irregular, place)
    order by place`);
}

/**
 * Updates the counts and modalities of a study. The first instance also sets the description, institution and creator of the study. The
 * institution and the creator do not change later, not even while all instances of the study are rejected.
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
    .returning({ count: studies.instanceCount, rejected: studies.rejectedCount });
  if (study?.count !== added.length || study.rejected > 0) return;
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
