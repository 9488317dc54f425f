import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { DATABASE, type Database } from '../database/database.module.js';
import { OrthancApi } from '../orthanc/orthanc.api.js';
import { NeighbourAway } from '../problems/errors.js';

/** The format of a time in SQL, in UTC. */
const ISO = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"';

const CatalogCounts = z.object({
  patients: z.number(),
  studies: z.number(),
  series: z.number(),
  instances: z.number(),
  bytes: z.coerce.number(),
  on_their_way: z.number(),
  in_quarantine: z.number(),
  irregular: z.number(),
});

const PerKey = z.record(z.string(), z.int());
const UploadCounts = z.object({
  total: z.int(),
  users: z.int(),
  first: z.string().nullable(),
  last: z.string().nullable(),
  bytes: z.coerce.number(),
  by_type: PerKey,
  by_day: PerKey,
});

/**
 * Counts of the catalog and the archive. `archive` is null if Orthanc is unreachable. `on_their_way` is the number of running uploads.
 * `in_quarantine` is the number of quarantined instances. `irregular` is the number of instances with a UID that does not conform to PS3.5
 * §9.1.
 */
export const CatalogStats = z.object({
  catalog: z.object({
    patients: z.int(),
    studies: z.int(),
    series: z.int(),
    instances: z.int(),
    bytes: z.int(),
  }),
  archive: z.object({ studies: z.int(), series: z.int(), instances: z.int(), bytes: z.int() }).nullable(),
  on_their_way: z.int(),
  in_quarantine: z.int(),
  irregular: z.int(),
  uploads: UploadCounts.extend({ bytes: z.int() }),
});
export type CatalogStats = z.output<typeof CatalogStats>;

/** Counts studies, series and instances for the operator. */
@Injectable()
export class Stats {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly api: OrthancApi,
  ) {}

  async now(): Promise<CatalogStats> {
    const [row] = await this.database.execute(sql`
      select (select count(*)::int from patients) as patients,
        count(*)::int as studies, coalesce(sum(series_count), 0)::int as series,
        coalesce(sum(instance_count), 0)::int as instances,
        (select coalesce(sum(size), 0)::text from instances) as bytes,
        (select count(*)::int from pending where expires_at > clock_timestamp()) as on_their_way,
        (select count(*)::int from quarantined) as in_quarantine,
        (select count(*)::int from instances where irregular) as irregular
      from studies where instance_count > 0`);
    const { on_their_way, in_quarantine, irregular, ...catalog } = CatalogCounts.parse(row);
    const uploads = await this.uploads();
    return { catalog, archive: await this.archive(), on_their_way, in_quarantine, irregular, uploads };
  }

  /** Counts the uploads through /api/uploads. `by_day` has the days (UTC) of the last 90 days that have uploads. */
  private async uploads(): Promise<CatalogStats['uploads']> {
    const [row] = await this.database.execute(sql`
      select count(*)::int as total, count(distinct account_id)::int as users,
        to_char(min(created_at) at time zone 'UTC', ${ISO}) as first,
        to_char(max(created_at) at time zone 'UTC', ${ISO}) as last,
        coalesce(sum(bytes), 0)::text as bytes,
        (select coalesce(jsonb_object_agg(kind, number), '{}') from (
          select kind, count(*)::int as number from uploads group by kind) kinds) as by_type,
        (select coalesce(jsonb_object_agg(day, number), '{}') from (
          select to_char(created_at at time zone 'UTC', 'YYYY-MM-DD') as day, count(*)::int as number from uploads
          where created_at > now() - interval '90 days' group by 1) days) as by_day
      from uploads`);
    return UploadCounts.parse(row);
  }

  private async archive(): Promise<CatalogStats['archive']> {
    try {
      const { CountStudies, CountSeries, CountInstances, TotalDiskSize } = await this.api.statistics();
      return {
        studies: CountStudies,
        series: CountSeries,
        instances: CountInstances,
        bytes: TotalDiskSize,
      };
    } catch (error) {
      if (error instanceof NeighbourAway) return null;
      throw error;
    }
  }
}
