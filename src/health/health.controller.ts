import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, Get, Head, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type postgres from 'postgres';
import { z } from 'zod';
import { Sealer } from '../audit/sealer.js';
import { Gives, GivesAs } from '../http/response.shape.js';
import { Public } from '../authn/access.decorators.js';
import { POSTGRES } from '../database/database.module.js';
import { FhirServer } from '../fhir/fhir.server.js';
import { OrthancApi } from '../orthanc/orthanc.api.js';

const State = z.enum(['up', 'away']);
type State = z.output<typeof State>;

/**
 * Whether PostgreSQL, Orthanc and HAPI answer, and whether audit rows are being sealed. `ready` does not require HAPI, because imports can
 * wait for it. A stalled audit does not cause a 503, because rows are still written. A 503 would make the load balancer stop using all
 * gateways at the same time.
 */
const Readiness = z.object({
  status: z.enum(['ready', 'unavailable']),
  neighbours: z.object({ postgres: State, orthanc: State, hapi: z.enum(['up', 'away', 'off']) }),
  audit: z.enum(['sealing', 'stalled']),
});
type Readiness = z.output<typeof Readiness>;
const Live = z.object({ status: z.literal('live') });

const FRESH_MS = 1_000;
/** A service that does not answer in this time counts as `away`. Load balancers wait only a few seconds for a probe. */
const TIMEOUT_MS = 2_000;

/** Probes for load balancers and supervisors. They need no account, and the responses contain no patient data. */
@Controller('health')
@Public()
export class HealthController {
  private known: { readonly at: number; readonly readiness: Promise<Readiness> } | undefined;

  constructor(
    @Inject(POSTGRES) private readonly sql: postgres.Sql,
    private readonly orthanc: OrthancApi,
    private readonly fhir: FhirServer,
    private readonly sealer: Sealer,
  ) {}

  /** Answers 200 if the process is running. */
  @Get('live')
  @Gives(Live)
  live(): { status: 'live' } {
    return { status: 'live' };
  }

  /** The same status as GET, without a body. Some monitors send HEAD. */
  @Head('live')
  @Gives(Live)
  headOfLive(): { status: 'live' } {
    return this.live();
  }

  /**
   * Answers 200 if PostgreSQL and Orthanc answer within two seconds, and otherwise 503 with the state of each service. `audit` is `stalled`
   * if a row has waited longer than a minute for its seal.
   */
  @Get('ready')
  @GivesAs({ 'application/json': Readiness }, 200, 503)
  async ready(@Res() reply: FastifyReply): Promise<FastifyReply> {
    const body = await this.readiness();
    return reply
      .status(body.status === 'ready' ? 200 : 503)
      .header('cache-control', 'no-store')
      .send(body);
  }

  /** The same status as GET, without a body. Some monitors send HEAD. */
  @Head('ready')
  @GivesAs({ 'application/json': Readiness }, 200, 503)
  headOfReady(@Res() reply: FastifyReply): Promise<FastifyReply> {
    return this.ready(reply);
  }

  /** Returns the readiness. The result is cached for one second, so that many probes cause only a few calls to the other services. */
  private readiness(): Promise<Readiness> {
    if (this.known === undefined || Date.now() - this.known.at > FRESH_MS)
      this.known = { at: Date.now(), readiness: this.check() };
    return this.known.readiness;
  }

  private async check(): Promise<Readiness> {
    const [postgres, orthanc, hapi] = await Promise.all([
      isUp(this.sql`select 1`),
      isUp(this.orthanc.system()),
      orAway(this.fhir.state()),
    ]);
    const status = postgres === 'up' && orthanc === 'up' ? 'ready' : 'unavailable';
    const audit = this.sealer.state.isStalled ? 'stalled' : 'sealing';
    return { status, neighbours: { postgres, orthanc, hapi }, audit };
  }
}

function isUp(call: PromiseLike<unknown>): Promise<State> {
  const answered = async (): Promise<State> => {
    try {
      await call;
      return 'up';
    } catch {
      return 'away';
    }
  };
  return orAway(answered());
}

/** Returns the state of a service, or `away` if the service does not answer in time. A late result is discarded. */
function orAway<Answer>(state: Promise<Answer>): Promise<Answer | 'away'> {
  return Promise.race([state, sleep(TIMEOUT_MS, 'away' as const, { ref: false })]);
}
