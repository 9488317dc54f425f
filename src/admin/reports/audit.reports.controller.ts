import { Controller, Get, HttpCode, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AuditCheck, AuditChecks } from '../../audit/audit.checks.js';
import { AuditQuery } from '../../audit/audit.shapes.js';
import { AuditSummaries, AuditSummary, auditPeriod } from '../../audit/audit.summary.js';
import { Sealer } from '../../audit/sealer.js';
import { Requires } from '../../authz/authz.guard.js';
import { QueryOf } from '../../http/query.pipe.js';
import { Gives } from '../../http/response.shape.js';
import { BadRequest, NotAuthenticated } from '../../problems/errors.js';

const SummaryQuery = AuditQuery.pick({
  from: true,
  to: true,
  account: true,
  issuer: true,
  patient: true,
  study: true,
  action: true,
}).strict();
type SummaryQuery = z.output<typeof SummaryQuery>;

/** The state of the seals in this gateway, and the newest check of the whole chain. `check` is null if there was none. */
const Verification = z.object({
  sealing: z
    .enum(['sealing', 'stalled'])
    .meta({ description: 'Whether new audit rows are sealed in time.', examples: ['sealing'] }),
  check: AuditCheck.nullable().meta({ description: 'The newest check, or null.' }),
});
type Verification = z.output<typeof Verification>;

/** Counts of the audit, and the check of its seals. */
@Controller('api/audit')
@Requires('audit:read')
export class AuditReportsController {
  constructor(
    private readonly summaries: AuditSummaries,
    private readonly checks: AuditChecks,
    private readonly sealer: Sealer,
  ) {}

  /**
   * Counts the audit rows of each day and of the accounts with the most rows. Days are in UTC. The filters are those of the list. The period
   * has at most 92 days. Without `from`, it is the last 30 days.
   */
  @Get('summary')
  @Gives(AuditSummary)
  summary(
    @Query(new QueryOf(SummaryQuery)) { from, to, ...filter }: SummaryQuery,
    @Req() request: FastifyRequest,
  ): Promise<AuditSummary> {
    const { study, patient, issuer, account, action } = filter;
    request.auditNote = {
      ...(study !== undefined && { studyUid: study }),
      ...(patient !== undefined && { patientId: patient }),
      ...(issuer !== undefined && { patientIssuer: issuer }),
      detail: { from, to, account, action },
    };
    const period = auditPeriod(from, to);
    if (period === undefined)
      throw new BadRequest('invalid-parameter', 'The period from `from` to `to` must have 1 to 92 days.');
    return this.summaries.of(period, filter);
  }

  /** Returns whether new rows are sealed, and the newest check of all seals with its progress and result. */
  @Get('verification')
  @Gives(Verification)
  async verification(): Promise<Verification> {
    const check = (await this.checks.latest()) ?? null;
    return { sealing: this.sealer.state.isStalled ? 'stalled' : 'sealing', check };
  }

  /**
   * Starts a check of all seals, as `npm run audit:verify` does it. Returns 202 with the new check, or with the check that already waits or
   * runs.
   */
  @Post('verification')
  @HttpCode(202)
  @Gives(AuditCheck)
  verify(@Req() { actor }: FastifyRequest): Promise<AuditCheck> {
    if (actor === undefined) throw new NotAuthenticated();
    return this.checks.request(actor.accountName);
  }
}
