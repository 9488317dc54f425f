import { Controller, Get, HttpCode, Post } from '@nestjs/common';
import { Gives } from '../http/response.shape.js';
import { Requires } from '../authz/authz.guard.js';
import { Rebuild, Rebuilds } from '../sync/rebuilds.service.js';
import { CatalogStats, Stats } from '../catalog/stats.service.js';
import { NotVisible } from '../problems/errors.js';

/** What an operator looks at and sets going. */
@Controller('api')
@Requires('system:operate')
export class OperationsController {
  constructor(
    private readonly rebuilds: Rebuilds,
    private readonly stats: Stats,
  ) {}

  /** How much catalog and archive hold; `bytes` as far as sizes are known. */
  @Get('stats')
  @Gives(CatalogStats)
  now(): Promise<CatalogStats> {
    return this.stats.now();
  }

  /** Compares catalog and archive from end to end while serving: 202 with the job, the one under way when there is one. */
  @Post('catalog/rebuild')
  @HttpCode(202)
  @Gives(Rebuild)
  rebuild(): Promise<Rebuild> {
    return this.rebuilds.ask();
  }

  /** The newest rebuild and how far it is; 404 when none was ever asked for. */
  @Get('catalog/rebuild')
  @Gives(Rebuild)
  async progress(): Promise<Rebuild> {
    const rebuild = await this.rebuilds.latest();
    if (rebuild === undefined) throw new NotVisible();
    return rebuild;
  }
}
