import { Controller, Get, HttpCode, Post } from '@nestjs/common';
import { Gives } from '../http/response.shape.js';
import { Requires } from '../authz/authz.guard.js';
import { Rebuild, Rebuilds } from '../sync/rebuilds.service.js';
import { CatalogStats, Stats } from '../catalog/stats.service.js';
import { NotVisible } from '../problems/errors.js';

/** Statistics, and the comparison of the catalog with the archive (rebuild), for operators. */
@Controller('api')
@Requires('system:operate')
export class OperationsController {
  constructor(
    private readonly rebuilds: Rebuilds,
    private readonly stats: Stats,
  ) {}

  /** Returns the counts of the catalog and the archive. `bytes` is the total size of the instances whose size is known. */
  @Get('stats')
  @Gives(CatalogStats)
  now(): Promise<CatalogStats> {
    return this.stats.now();
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
