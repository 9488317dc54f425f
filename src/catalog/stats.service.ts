import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { DATABASE, type Database } from '../database/database.module.js';
import { OrthancApi } from '../orthanc/orthanc.api.js';
import { NeighbourAway } from '../problems/errors.js';

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
    return { catalog, archive: await this.archive(), on_their_way, in_quarantine, irregular };
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
