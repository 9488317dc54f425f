import { Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Gives } from '../http/response.shape.js';
import { Requires } from '../authz/authz.guard.js';
import { Rebuild, Rebuilds } from '../sync/rebuilds.service.js';
import { CatalogStats, Stats } from '../catalog/stats.service.js';
import { MAX_MONTHS, MonthText, StudyMonthCounts, StudyMonths } from '../catalog/study.months.js';
import { QueryOf } from '../http/query.pipe.js';
import { BadRequest, NotVisible } from '../problems/errors.js';
import { SystemReport, SystemReports } from './reports/system.report.js';

const MonthsQuery = z.strictObject({ from: MonthText.optional(), to: MonthText.optional() });
type MonthsQuery = z.output<typeof MonthsQuery>;
const DEFAULT_MONTHS = 24;

/** Statistics, and the comparison of the catalog with the archive (rebuild), for operators. */
@Controller('api')
@Requires('system:operate')
export class OperationsController {
  constructor(
    private readonly rebuilds: Rebuilds,
    private readonly stats: Stats,
    private readonly months: StudyMonthCounts,
    private readonly reports: SystemReports,
  ) {}

  /** Returns the counts of the catalog and the archive. `bytes` is the total size of the instances whose size is known. */
  @Get('stats')
  @Gives(CatalogStats)
  now(): Promise<CatalogStats> {
    return this.stats.now();
  }

  /**
   * Counts the studies and instances of each month and modality, by the Study Date. `from` and `to` are months, for example `2026-11`. They
   * are inclusive, and have at most 60 months. Without `from`, the answer has the last 24 months.
   */
  @Get('stats/months')
  @Gives(StudyMonths)
  byMonth(@Query(new QueryOf(MonthsQuery)) query: MonthsQuery): Promise<StudyMonths> {
    const to = query.to ?? new Date().toISOString().slice(0, 7);
    const from = query.from ?? monthOf(numberOf(to) - DEFAULT_MONTHS + 1);
    const months = numberOf(to) - numberOf(from) + 1;
    if (months < 1 || months > MAX_MONTHS)
      throw new BadRequest('invalid-parameter', 'The period from `from` to `to` must have 1 to 60 months.');
    return this.months.of(from, to);
  }

  /** Returns the versions of the services, the jobs of the queues, and the free space of the disks. */
  @Get('system')
  @Gives(SystemReport)
  system(): Promise<SystemReport> {
    return this.reports.now();
  }

  /**
   * Starts a comparison of the whole catalog with the archive. The gateway serves requests during the comparison. Returns 202 with the new
   * job, or with the running job if there is one.
   */
  @Post('catalog/rebuild')
  @HttpCode(202)
  @Gives(Rebuild)
  rebuild(): Promise<Rebuild> {
    return this.rebuilds.request();
  }

  /** Returns the newest comparison with its progress, or 404 when no comparison was ever started. */
  @Get('catalog/rebuild')
  @Gives(Rebuild)
  async progress(): Promise<Rebuild> {
    const rebuild = await this.rebuilds.latest();
    if (rebuild === undefined) throw new NotVisible();
    return rebuild;
  }
}

/** The number of a month since the year 0. */
function numberOf(month: string): number {
  return Number(month.slice(0, 4)) * 12 + Number(month.slice(5)) - 1;
}

function monthOf(number: number): string {
  return `${String(Math.floor(number / 12)).padStart(4, '0')}-${String((number % 12) + 1).padStart(2, '0')}`;
}
