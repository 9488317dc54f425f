import { Inject, Injectable } from '@nestjs/common';
import { and, eq, inArray, lt, type SQL, sql } from 'drizzle-orm';
import { DATABASE, type Database } from '../database/database.module.js';
import { instances, patients, pending, series, studies } from '../database/schema.catalog.js';
import { type ArchiveCounts, type ArchiveLevel, OrthancApi } from '../orthanc/orthanc.api.js';
import { OrthancId, orthancIdOf } from '../orthanc/orthanc.id.js';
import { lockPlace, prune } from './placing.js';
import { retrying } from './retrying.js';

/** A row of the catalog that names something of the archive; with its revision it is this row as it was seen. */
interface HeldRow {
  readonly id: number;
  readonly orthancId: OrthancId;
  readonly revision: number;
}

/** Takes out of the catalog what the archive no longer holds. Orthanc never tells a deletion, so it is found by comparing. */
@Injectable()
export class Departures {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly api: OrthancApi,
  ) {}

  /** How much the catalog holds of the archive. */
  async counts(): Promise<ArchiveCounts> {
    const [row] = await this.database
      .select({
        CountStudies: sql<number>`count(*)::int`,
        CountSeries: sql<number>`coalesce(sum(series_count), 0)::int`,
        CountInstances: sql<number>`coalesce(sum(instance_count), 0)::int`,
      })
      .from(studies)
      .where(sql`instance_count > 0`);
    return row ?? { CountStudies: 0, CountSeries: 0, CountInstances: 0 };
  }

  /**
   * Compares a level's ids and removes what is gone; returns the archive's ids the catalog does not hold. Only rows older than
   * the question are doubted, and each is asked for once more before it goes.
   */
  async compare(level: ArchiveLevel): Promise<OrthancId[]> {
    const held = await this.heldBefore(level);
    const there = await this.api.ids(level);
    const present = new Set<string>(there);
    for (const row of held) {
      if (present.has(row.orthancId)) continue;
      if (await this.api.holds(level, row.orthancId)) continue;
      await this.remove(level, row);
    }
    const known = new Set<string>(held.map((row) => row.orthancId));
    return there.filter((id) => !known.has(id));
  }

  /** Asks anew whether the archive holds an instance, and takes it out of the catalog when it does not. */
  async recheck(orthancId: OrthancId): Promise<boolean> {
    // Seen before the question: a row made after it belongs to a newcomer.
    const rows = await this.database
      .select({ id: instances.id })
      .from(instances)
      .where(inArray(instances.orthancId, [orthancId]));
    if (await this.api.holds('instances', orthancId)) return true;
    for (const { id } of rows) await this.remove('instances', { id, orthancId, revision: 0 });
    return false;
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
      await retrying(() =>
        this.database.transaction(async (tx) => {
          await lockPlace(tx, row);
          await tx.delete(pending).where(and(eq(pending.sopUid, row.sopUid), expired));
          await prune(tx, row);
        }),
      );
    }
  }

  private async heldBefore(level: ArchiveLevel): Promise<HeldRow[]> {
    const table = { studies, series, instances }[level];
    const revision = level === 'instances' ? sql<number>`0` : sql<number>`revision::int`;
    const rows = await this.database
      .select({ id: table.id, orthancId: table.orthancId, revision })
      .from(table);
    return rows.flatMap(({ orthancId, ...row }) =>
      orthancId === null ? [] : [{ ...row, orthancId: OrthancId.parse(orthancId) }],
    );
  }

  private async remove(level: ArchiveLevel, row: HeldRow): Promise<void> {
    await retrying(() =>
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
const REMOVE: Record<ArchiveLevel, (row: HeldRow) => SQL> = {
  studies: ({ id, revision }) => sql`
    with gone as (delete from studies where id = ${id} and revision = ${revision} returning id, patient)
    delete from patients using gone where patients.id = gone.patient
      and not exists (select from studies other where other.patient = gone.patient and other.id <> gone.id)`,
  series: ({ id, revision }) =>
    sql`select remove_series(id) from series where id = ${id} and revision = ${revision}`,
  instances: ({ id }) => sql`select remove_instance(${id})`,
};
