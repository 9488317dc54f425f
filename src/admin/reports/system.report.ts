import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { ArchiveState, Disk } from '../../catalog/archive.state.js';
import { GATEWAY_VERSION } from '../../config/gateway.version.js';
import { DATABASE, type Database } from '../../database/database.module.js';

const version = z.string().nullable();
const Count = z.int().min(0);

/** The versions of the services, the jobs of the queues and the free space of the disks. */
export const SystemReport = z.object({
  versions: z
    .object({
      gateway: z.string().meta({ description: 'The version of the gateway.', examples: ['0.1.0'] }),
      node: z.string().meta({ description: 'The version of Node.js.', examples: ['24.21.0'] }),
      postgres: version.meta({ description: 'The version of PostgreSQL.', examples: ['18.4'] }),
      orthanc: version.meta({
        description: 'The version of Orthanc, or null if it does not answer.',
        examples: ['1.12.11'],
      }),
    })
    .meta({ description: 'The versions of the services.' }),
  started_at: z.iso
    .datetime()
    .meta({ description: 'The start of this gateway.', examples: ['2026-11-30T09:15:04.120Z'] }),
  behind: Count.nullable().meta({
    description:
      'Changes of the archive that the catalog has not processed, or null if Orthanc does not answer.',
    examples: [0],
  }),
  queues: z
    .array(
      z.object({
        name: z.string().meta({ description: 'The kind of the jobs.', examples: ['import-chunk'] }),
        waiting: Count.meta({ description: 'Jobs that wait.', examples: [4] }),
        running: Count.meta({ description: 'Jobs that run.', examples: [1] }),
        failed: Count.meta({ description: 'Jobs that failed too often, of the last day.', examples: [0] }),
      }),
    )
    .meta({ description: 'The queues that have jobs.' }),
  disks: z.array(Disk).meta({ description: 'The file systems to which the gateway writes.' }),
});
export type SystemReport = z.output<typeof SystemReport>;

const Jobs = z.object({ postgres: z.string(), queues: SystemReport.shape.queues });

/** Reads the state of the gateway and its services, for operators. */
@Injectable()
export class SystemReports {
  private readonly startedAt = new Date(Date.now() - process.uptime() * 1000).toISOString();

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly archive: ArchiveState,
  ) {}

  async now(): Promise<SystemReport> {
    const [{ version: orthanc, behind }, disks, rows] = await Promise.all([
      this.archive.orthanc(),
      this.archive.disks(),
      this.database.execute(sql`
        select current_setting('server_version') as postgres, coalesce((
          select json_agg(q order by q.name) from (
            select name, count(*) filter (where state in ('created', 'retry'))::int as waiting,
              count(*) filter (where state = 'active')::int as running,
              count(*) filter (where state = 'failed')::int as failed
            from queue.job group by name) q
          where q.waiting + q.running + q.failed > 0), '[]') as queues`),
    ]);
    const { postgres, queues } = Jobs.parse(rows[0]);
    const versions = { gateway: GATEWAY_VERSION, node: process.versions.node, postgres, orthanc };
    return { versions, started_at: this.startedAt, behind, queues, disks };
  }
}
