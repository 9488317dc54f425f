import { Controller, Get, HttpCode, Post } from '@nestjs/common';
import { Gives } from '../http/response.shape.js';
import { Requires } from '../authz/authz.guard.js';
import { Rebuild, Rebuilds } from '../sync/rebuilds.service.js';
import { CatalogStats, Stats } from '../catalog/stats.service.js';
import { NotVisible } from '../problems/errors.js';

/** Statistics and the rebuild of the catalog, for operators. */
@Controller('api')
@Requires('system:operate')
export class OperationsController {
  constructor(
    private readonly rebuilds: Rebuilds,
    private readonly stats: Stats,
  ) {}

  /** Counts of the catalog and the archive. `bytes` covers instances of known size. */
  @Get('stats')
  @Gives(CatalogStats)
  now(): Promise<CatalogStats> {
    return this.stats.now();
  }

  /** Starts a comparison of the whole catalog with the archive, while the gateway serves: 202 with the new job, or with the running one. */
  @Post('catalog/rebuild')
  @HttpCode(202)
  @Gives(Rebuild)
  rebuild(): Promise<Rebuild> {
    return this.rebuilds.request();
  }

  /** The newest rebuild and its progress; 404 when there was none. */
  @Get('catalog/rebuild')
  @Gives(Rebuild)
  async progress(): Promise<Rebuild> {
    const rebuild = await this.rebuilds.latest();
    if (rebuild === undefined) throw new NotVisible();
    return rebuild;
  }
}
