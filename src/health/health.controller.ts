import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type postgres from 'postgres';
import { Public } from '../authn/access.decorators.js';
import { POSTGRES } from '../database/database.module.js';
import { OrthancApi } from '../orthanc/orthanc.api.js';

/** Whether each neighbour that is needed answers. */
interface Readiness {
  readonly status: 'ready' | 'unavailable';
  readonly neighbours: Readonly<Record<'postgres' | 'orthanc', 'up' | 'away'>>;
}

/** For load balancers and supervisors; no account, no patient data. */
@Controller('health')
@Public()
export class HealthController {
  constructor(
    @Inject(POSTGRES) private readonly sql: postgres.Sql,
    private readonly orthanc: OrthancApi,
  ) {}

  /** 200 while the process answers at all. */
  @Get('live')
  live(): { status: 'live' } {
    return { status: 'live' };
  }

  /** 200 when every needed neighbour answers, else 503 with its name. */
  @Get('ready')
  async ready(@Res() reply: FastifyReply): Promise<FastifyReply> {
    const [postgres, orthanc] = await Promise.all([isUp(this.sql`select 1`), isUp(this.orthanc.system())]);
    const status = postgres === 'up' && orthanc === 'up' ? 'ready' : 'unavailable';
    const body: Readiness = { status, neighbours: { postgres, orthanc } };
    return reply
      .status(status === 'ready' ? 200 : 503)
      .header('cache-control', 'no-store')
      .send(body);
  }
}

async function isUp(question: PromiseLike<unknown>): Promise<'up' | 'away'> {
  try {
    await question;
    return 'up';
  } catch {
    return 'away';
  }
}
