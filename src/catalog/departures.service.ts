import { Inject, Injectable } from '@nestjs/common';
import { inArray, lt, sql } from 'drizzle-orm';
import { DATABASE, type Database } from '../database/database.module.js';
import { instances, pending, series, studies } from '../database/schema.js';
import { type ArchiveCounts, type ArchiveLevel, OrthancApi } from '../orthanc/orthanc.api.js';
import { OrthancId } from '../orthanc/orthanc.id.js';
import { prune } from './placing.js';

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
    for (const { id, orthancId } of held) {
      if (present.has(orthancId)) continue;
      if (await this.api.holds(level, orthancId)) continue;
      await this.remove(level, id);
    }
    const known = new Set<string>(held.map((row) => row.orthancId));
    return there.filter((id) => !known.has(id));
  }

  /** Asks anew for one instance that a reader found missing, and removes it when it is gone. */
  async recheck(orthancId: OrthancId): Promise<void> {
    if (await this.api.holds('instances', orthancId)) return;
    const rows = await this.database
      .select({ id: instances.id })
      .from(instances)
      .where(inArray(instances.orthancId, [orthancId]));
    for (const { id } of rows) await this.remove('instances', id);
  }

  /** Reservations that were cut off and never came to anything in the archive. */
  async dropLeftovers(longerThanMs: number): Promise<void> {
    const gone = await this.database
      .delete(pending)
      .where(lt(pending.expiresAt, sql`clock_timestamp() - ${`${longerThanMs} milliseconds`}::interval`))
      .returning({ series: pending.series });
    for (const { series: id } of gone) {
      await this.database.transaction(async (tx) => {
        const [row] = await tx
          .select({ study: series.study })
          .from(series)
          .where(inArray(series.id, [id]));
        if (row !== undefined) await prune(tx, { study: row.study, series: id });
      });
    }
  }

  private async heldBefore(level: ArchiveLevel): Promise<{ id: number; orthancId: OrthancId }[]> {
    const table = { studies, series, instances }[level];
    const rows = await this.database.select({ id: table.id, orthancId: table.orthancId }).from(table);
    return rows.flatMap(({ id, orthancId }) =>
      orthancId === null ? [] : [{ id, orthancId: OrthancId.parse(orthancId) }],
    );
  }

  private async remove(level: ArchiveLevel, id: number): Promise<void> {
    await this.database.execute(REMOVE[level](id));
  }
}

/** Each removes everything below, then brings counts and modalities above up to date or removes what is empty. */
const REMOVE: Record<ArchiveLevel, (id: number) => ReturnType<typeof sql>> = {
  studies: (id) => sql`
    with gone as (delete from studies where id = ${id} returning id, patient)
    delete from patients using gone where patients.id = gone.patient
      and not exists (select from studies other where other.patient = gone.patient and other.id <> gone.id)`,
  series: (id) => sql`select remove_series(${id})`,
  instances: (id) => sql`select remove_instance(${id})`,
};
