import { createHash, timingSafeEqual } from 'node:crypto';
import { Controller, Get, Header, Headers, Inject } from '@nestjs/common';
import { GivesAs } from '../http/response.shape.js';
import { Public } from '../authn/access.decorators.js';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';
import { NotAuthenticated, NotVisible } from '../problems/errors.js';
import { Metrics } from './metrics.service.js';

@Controller('metrics')
@Public()
export class MetricsController {
  constructor(
    @Inject(ENV) private readonly env: Pick<Env, 'METRICS_TOKEN'>,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Metrics for Prometheus. The bearer token must be `METRICS_TOKEN`, otherwise the response is 401. If `METRICS_TOKEN` is not set, the
   * response is 404.
   */
  @Get()
  @GivesAs({ 'text/plain': null })
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  read(@Headers('authorization') authorization: string | undefined): Promise<string> {
    const { METRICS_TOKEN: token } = this.env;
    if (token === undefined) throw new NotVisible();
    if (!isSame(authorization ?? '', `Bearer ${token}`)) throw new NotAuthenticated();
    return this.metrics.text();
  }
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => createHash('sha256').update(text).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}
