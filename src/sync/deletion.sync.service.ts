import { Inject, Injectable } from '@nestjs/common';
import { and, eq, inArray, lt, type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import { BACKGROUND_DATABASE, type Database } from '../database/database.module.js';
import { instances, patients, pending, series, studies } from '../database/schema.catalog.js';
import { type ArchiveLevel, OrthancApi } from '../orthanc/orthanc.api.js';
import { OrthancId, orthancIdOf } from '../orthanc/orthanc.id.js';
import { lockParents, deleteEmptyParents } from '../catalog/parent.rows.js';
import { withRetries } from '../catalog/retrying.js';

/**
 * The levels that are compared with a complete listing from Orthanc. There are too many instances for a listing, so {@link ArchiveDiff}
 * compares the instances series by series.
 */
export type ListedLevel = Exclude<ArchiveLevel, 'instances'>;

const TABLE: Record<ListedLevel, typeof studies | typeof series> = { studies, series };
const LISTING_PAGE = 5000;
const UNLISTED_PAGE = 500;

const Newest = z.object({ id: z.coerce.number() });
const ListedRows = z
  .object({ id: z.coerce.number(), orthanc_id: OrthancId, revision: z.coerce.number() })
  .transform(({ orthanc_id: orthancId, ...row }): ListedRow => ({ ...row, orthancId }));

/** A row of the catalog with the Orthanc id of its study or series. `revision` shows whether the row was changed after it was read. */
interface ListedRow {
  readonly id: number;
  readonly orthancId: OrthancId;
  readonly revision: number;
}

/**
 * Removes the catalog's rows for studies, series and instances that are no longer in Orthanc. Orthanc does not report deletions, so the
 * gateway compares the catalog with Orthanc's listing.
 */
@Injectable()
export class DeletionSync {
  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly api: OrthancApi,
  ) {}

  /**
   * Removes the rows of a level that Orthanc does not list. Compares page by page. Rows that were inserted after the listing began are not
   * compared. Before each removal, the gateway asks Orthanc again whether the study or series exists.
   */
  async compare(level: ListedLevel): Promise<void> {
    const [newest] = await this.database.execute(
      sql`select coalesce(max(id), 0)::text as id from ${TABLE[level]}`,
    );
    const upTo = Newest.parse(newest).id;
    await this.saveListing(level);
    let after = 0;
    for (;;) {
      const rows = await this.unlisted(level, after, upTo);
      for (const row of rows) {
        if (!(await this.api.holds(level, row.orthancId))) await this.remove(level, row);
      }
      after = rows.at(-1)?.id ?? after;
      if (rows.length < UNLISTED_PAGE) return;
    }
  }

  /**
   * Saves Orthanc's listing of a level in the table `archive_listing`, page by page. The memory use does not depend on the size of the
   * archive.
   */
  private async saveListing(level: ListedLevel): Promise<void> {
    await this.database.execute(sql`delete from archive_listing`);
    for (let since = 0, page: OrthancId[]; ; since += page.length) {
      page = await this.api.page(level, since, LISTING_PAGE);
      await this.database.execute(
        sql`insert into archive_listing select unnest(${sql.param(page)}::text[]) on conflict do nothing`,
      );
      if (page.length < LISTING_PAGE) return;
    }
  }

  private async unlisted(level: ListedLevel, after: number, upTo: number): Promise<ListedRow[]> {
    const rows = await this.database.execute(sql`
      select id, orthanc_id, revision from ${TABLE[level]} held
      where id > ${after} and id <= ${upTo} and orthanc_id is not null
        and not exists (select from archive_listing listed where listed.orthanc_id = held.orthanc_id)
      order by id limit ${UNLISTED_PAGE}`);
    return z.array(ListedRows).parse([...rows]);
  }

  /** Returns whether Orthanc has an instance. If Orthanc does not have the instance, this method removes the row of the instance. */
  async recheck(orthancId: OrthancId): Promise<boolean> {
    // The row is read before Orthanc is asked. A row that is inserted later belongs to a new copy and must not be removed.
    const rows = await this.database
      .select({ id: instances.id })
      .from(instances)
      .where(inArray(instances.orthancId, [orthancId]));
    if (await this.api.holds('instances', orthancId)) return true;
    for (const { id } of rows) await this.removeInstance(id);
    return false;
  }

  /** Removes the row of an instance that was deleted or replaced in Orthanc. */
  removeInstance(id: number): Promise<void> {
    return this.remove('instances', { id, revision: 0 });
  }

  /** Removes the rows of rejected instances of a study that the archive no longer has. */
  async dropRejected(study: number, ids: readonly number[]): Promise<void> {
    await withRetries(() =>
      this.database.transaction(async (tx) => {
        await tx.execute(sql`select from studies where id = ${study} for update`);
        await tx.execute(sql`select drop_rejected(${study}, ${sql.param(ids)}::bigint[])`);
      }),
    );
  }

  /** Deletes reservations that expired at least `ageMs` milliseconds ago and have no copy in Orthanc. */
  async deleteExpiredReservations(ageMs: number): Promise<void> {
    const expired = lt(pending.expiresAt, sql`clock_timestamp() - ${`${ageMs} milliseconds`}::interval`);
    const rows = await this.database
      .select({
        sopUid: pending.sopUid,
        sha256: pending.sha256,
        series: series.id,
        seriesUid: series.seriesUid,
        study: studies.id,
        studyUid: studies.studyUid,
        patientId: patients.patientId,
      })
      .from(pending)
      .innerJoin(series, eq(series.id, pending.series))
      .innerJoin(studies, eq(studies.id, series.study))
      .innerJoin(patients, eq(patients.id, studies.patient))
      .where(expired);
    for (const row of rows) {
      // If Orthanc has a copy, the reservation is kept. The hash in the reservation shows whether the copy has the uploaded content.
      const id = orthancIdOf(row.patientId, row.studyUid, row.seriesUid, row.sopUid);
      if (row.sha256 !== null && (await this.api.holds('instances', id))) continue;
      await withRetries(() =>
        this.database.transaction(async (tx) => {
          await lockParents(tx, row);
          await tx.delete(pending).where(and(eq(pending.sopUid, row.sopUid), expired));
          await deleteEmptyParents(tx, row);
        }),
      );
    }
  }

  private async remove(level: ArchiveLevel, row: Pick<ListedRow, 'id' | 'revision'>): Promise<void> {
    await withRetries(() =>
      this.database.transaction(async (tx) => {
        // Locks the study in a separate statement. The next statement then counts the committed rows of all other writers.
        await tx.execute(sql`select from studies where id = (${STUDY_OF[level](row.id)}) for update`);
        await tx.execute(DROP_REJECTED[level](row));
        await tx.execute(REMOVE[level](row));
      }),
    );
  }
}

const STUDY_OF: Record<ArchiveLevel, (id: number) => SQL> = {
  studies: (id) => sql`select ${id}::bigint`,
  series: (id) => sql`select study from series where id = ${id}`,
  instances: (id) => sql`select study from series where id = (select series from instances where id = ${id})`,
};

/**
 * Statements that remove the rejected instances below a study or series that the archive no longer has. If this changes the study, the study
 * itself is removed by the next comparison.
 */
const DROP_REJECTED: Record<ArchiveLevel, (row: Pick<ListedRow, 'id' | 'revision'>) => SQL> = {
  studies: ({ id, revision }) => sql`
    select drop_rejected(s.id, r.ids) from studies s, lateral (select array_agg(rejected_instances.id) as ids
      from rejected_instances join series on series.id = rejected_instances.series where series.study = s.id) r
    where s.id = ${id} and s.revision = ${revision} and r.ids is not null`,
  series: ({ id, revision }) => sql`
    select drop_rejected(e.study, r.ids) from series e,
      lateral (select array_agg(id) as ids from rejected_instances where series = e.id) r
    where e.id = ${id} and e.revision = ${revision} and r.ids is not null`,
  instances: () => sql`select`,
};

/**
 * Statements that remove a row and its child rows, and then update or remove its parent rows. A study or series that was changed after it
 * was read is not removed. Such a row is compared again later.
 */
const REMOVE: Record<ArchiveLevel, (row: Pick<ListedRow, 'id' | 'revision'>) => SQL> = {
  studies: ({ id, revision }) => sql`
    with gone as (delete from studies where id = ${id} and revision = ${revision} returning id, patient)
    delete from patients using gone where patients.id = gone.patient
      and not exists (select from studies other where other.patient = gone.patient and other.id <> gone.id)`,
  series: ({ id, revision }) =>
    sql`select remove_series(id) from series where id = ${id} and revision = ${revision}`,
  instances: ({ id }) => sql`select remove_instance(${id})`,
};
