import { Inject, Injectable } from '@nestjs/common';
import { and, eq, inArray, lt, type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import { BACKGROUND_DATABASE, type Database } from '../database/database.module.js';
import { instances, patients, pending, series, studies } from '../database/schema.catalog.js';
import { type ArchiveLevel, OrthancApi } from '../orthanc/orthanc.api.js';
import { OrthancId, orthancIdOf } from '../orthanc/orthanc.id.js';
import { lockParents, deleteEmptyParents } from '../catalog/parent.resolution.js';
import { withRetries } from '../catalog/retrying.js';

/** Levels whose ids the archive lists in little time; instances are compared series by series. */
export type ListedLevel = Exclude<ArchiveLevel, 'instances'>;

const TABLE: Record<ListedLevel, typeof studies | typeof series> = { studies, series };
const LISTED = 5000;
const DOUBTED = 500;

const Newest = z.object({ id: z.coerce.number() });
const Held = z
  .object({ id: z.coerce.number(), orthanc_id: OrthancId, revision: z.coerce.number() })
  .transform(({ orthanc_id: orthancId, ...row }): HeldRow => ({ ...row, orthancId }));

/** A row of the catalog that names something of the archive; with its revision it is this row as it was seen. */
interface HeldRow {
  readonly id: number;
  readonly orthancId: OrthancId;
  readonly revision: number;
}

/** Takes out of the catalog what the archive no longer holds. Orthanc never tells a deletion, so it is found by comparing. */
@Injectable()
export class DeletionSync {
  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly api: OrthancApi,
  ) {}

  /**
   * Compares a level page by page and takes out what the archive does not list. Only rows older than the question are doubted, and
   * each is asked for once more before it goes.
   */
  async compare(level: ListedLevel): Promise<void> {
    const [newest] = await this.database.execute(
      sql`select coalesce(max(id), 0)::text as id from ${TABLE[level]}`,
    );
    const upTo = Newest.parse(newest).id;
    await this.list(level);
    let after = 0;
    for (;;) {
      const rows = await this.unlisted(level, after, upTo);
      for (const row of rows) {
        if (!(await this.api.holds(level, row.orthancId))) await this.remove(level, row);
      }
      after = rows.at(-1)?.id ?? after;
      if (rows.length < DOUBTED) return;
    }
  }

  /** What the archive lists of a level, as rows: on neither side is all of it held in memory. */
  private async list(level: ListedLevel): Promise<void> {
    await this.database.execute(sql`delete from archive_listing`);
    for (let since = 0, page: OrthancId[]; ; since += page.length) {
      page = await this.api.page(level, since, LISTED);
      await this.database.execute(
        sql`insert into archive_listing select unnest(${sql.param(page)}::text[]) on conflict do nothing`,
      );
      if (page.length < LISTED) return;
    }
  }

  private async unlisted(level: ListedLevel, after: number, upTo: number): Promise<HeldRow[]> {
    const rows = await this.database.execute(sql`
      select id, orthanc_id, revision from ${TABLE[level]} held
      where id > ${after} and id <= ${upTo} and orthanc_id is not null
        and not exists (select from archive_listing listed where listed.orthanc_id = held.orthanc_id)
      order by id limit ${DOUBTED}`);
    return z.array(Held).parse([...rows]);
  }

  /** Asks anew whether the archive holds an instance, and takes it out of the catalog when it does not. */
  async recheck(orthancId: OrthancId): Promise<boolean> {
    // Seen before the question: a row made after it belongs to a newcomer.
    const rows = await this.database
      .select({ id: instances.id })
      .from(instances)
      .where(inArray(instances.orthancId, [orthancId]));
    if (await this.api.holds('instances', orthancId)) return true;
    for (const { id } of rows) await this.removeInstance(id);
    return false;
  }

  /** Takes out the row of an instance that the archive holds no longer, or not as it was. */
  removeInstance(id: number): Promise<void> {
    return this.remove('instances', { id, revision: 0 });
  }

  /** Reservations that were cut off and never came to anything in the archive. */
  async dropLeftovers(longerThanMs: number): Promise<void> {
    const expired = lt(
      pending.expiresAt,
      sql`clock_timestamp() - ${`${longerThanMs} milliseconds`}::interval`,
    );
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
      // What the archive holds under these keys is still measured by what its sender sent.
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

  private async remove(level: ArchiveLevel, row: Pick<HeldRow, 'id' | 'revision'>): Promise<void> {
    await withRetries(() =>
      this.database.transaction(async (tx) => {
        // First and by itself: what is counted afterwards is counted without others counting too.
        await tx.execute(sql`select from studies where id = (${STUDY_OF[level](row.id)}) for update`);
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
 * Each removes everything below, then brings counts and modalities above up to date or removes what is empty. What got a new
 * instance since it was seen stays; it is looked at again.
 */
const REMOVE: Record<ArchiveLevel, (row: Pick<HeldRow, 'id' | 'revision'>) => SQL> = {
  studies: ({ id, revision }) => sql`
    with gone as (delete from studies where id = ${id} and revision = ${revision} returning id, patient)
    delete from patients using gone where patients.id = gone.patient
      and not exists (select from studies other where other.patient = gone.patient and other.id <> gone.id)`,
  series: ({ id, revision }) =>
    sql`select remove_series(id) from series where id = ${id} and revision = ${revision}`,
  instances: ({ id }) => sql`select remove_instance(${id})`,
};
