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
 * Whether each neighbour answers, and whether rows of the audit get their seals. Records can wait for HAPI; images cannot do without
 * the other two. A stalled audit is told but is no 503: rows are still written, and every gateway would be taken out at once.
 */
const Readiness = z.object({
  status: z.enum(['ready', 'unavailable']),
  neighbours: z.object({ postgres: State, orthanc: State, hapi: z.enum(['up', 'away', 'off']) }),
  audit: z.enum(['sealing', 'stalled']),
});
type Readiness = z.output<typeof Readiness>;
const Live = z.object({ status: z.literal('live') });

const FRESH_MS = 1_000;
/** A neighbour that takes longer is away: whoever asks gives up after a few seconds. */
const PATIENCE_MS = 2_000;

/** For load balancers and supervisors; no account, no patient data. */
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

  /** 200 while the process answers at all. */
  @Get('live')
  @Gives(Live)
  live(): { status: 'live' } {
    return { status: 'live' };
  }

  /** As GET, without the body: monitors ask so. */
  @Head('live')
  @Gives(Live)
  headOfLive(): { status: 'live' } {
    return this.live();
  }

  /** 200 when every needed neighbour answers within two seconds, else 503 with its name. `audit` is `stalled` when rows have waited for their seal for longer than a minute. */
  @Get('ready')
  @GivesAs({ 'application/json': Readiness }, 200, 503)
  async ready(@Res() reply: FastifyReply): Promise<FastifyReply> {
    const body = await this.readiness();
    return reply
      .status(body.status === 'ready' ? 200 : 503)
      .header('cache-control', 'no-store')
      .send(body);
  }

  /** As GET, without the body: monitors ask so. */
  @Head('ready')
  @GivesAs({ 'application/json': Readiness }, 200, 503)
  headOfReady(@Res() reply: FastifyReply): Promise<FastifyReply> {
    return this.ready(reply);
  }

  /** Anybody may ask, however often: the neighbours hear of it once a second. */
  private readiness(): Promise<Readiness> {
    if (this.known === undefined || Date.now() - this.known.at > FRESH_MS)
      this.known = { at: Date.now(), readiness: this.ask() };
    return this.known.readiness;
  }

  private async ask(): Promise<Readiness> {
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

function isUp(question: PromiseLike<unknown>): Promise<State> {
  const told = async (): Promise<State> => {
    try {
      await question;
      return 'up';
    } catch {
      return 'away';
    }
  };
  return orAway(told());
}

/** What is known of a neighbour when the time is over, if it has not answered by then; a late answer is nobody's. */
function orAway<Known>(state: Promise<Known>): Promise<Known | 'away'> {
  return Promise.race([state, sleep(PATIENCE_MS, 'away' as const, { ref: false })]);
}
