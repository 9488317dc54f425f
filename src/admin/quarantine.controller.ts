import { Body, Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Gives, pageOf } from '../http/response.shape.js';
import { AuditLog } from '../audit/audit.log.js';
import { BodyOf, IdPipe } from '../http/body.pipe.js';
import { ListQuery, QueryOf } from '../http/query.pipe.js';
import { Requires } from '../authz/authz.guard.js';
import { trimPadding } from '../dicom/padding.js';
import { QuarantineDecisions } from '../sync/quarantine.decisions.js';
import { QuarantineItem, QuarantineList } from '../sync/quarantine.list.js';
import type { Decision } from '../sync/quarantine.records.js';
import { NotAuthenticated, NotVisible } from '../problems/errors.js';
import type { Page } from '../http/list.query.js';

const Key = z
  .string()
  .overwrite(trimPadding)
  .min(1)
  .max(64)
  .regex(/^[^\\\p{Cc}]*$/u, 'A backslash or control character is not allowed.');
const DecisionBody = z.discriminatedUnion('decision', [
  z.strictObject({ decision: z.literal('accept') }),
  z.strictObject({ decision: z.literal('discard') }),
  z
    .strictObject({
      decision: z.literal('re-identify'),
      patient_id: Key.optional(),
      issuer: Key.optional(),
      new_uids: z.boolean().default(false),
    })
    .refine(
      ({ patient_id, issuer, new_uids }) => new_uids || patient_id !== undefined || issuer !== undefined,
      {
        path: ['patient_id'],
        message: 'Send a patient_id, an issuer, or new_uids: true.',
      },
    ),
]);
type DecisionBody = z.output<typeof DecisionBody>;

const QuarantineQuery = ListQuery.extend({
  reason: z.string().max(64).optional(),
  sort: z.enum(['since', '-since']).default('since'),
});
type QuarantineQuery = z.output<typeof QuarantineQuery>;

const DecisionResult = z.object({
  id: z.uuid(),
  decision: z.enum(['accept', 'discard', 're-identify']),
  instances: z.int(),
});

/** Instances that contradict the catalog. Such instances are not in the catalog until an operator has decided about them. */
@Controller('api/quarantine')
@Requires('system:operate')
export class QuarantineController {
  constructor(
    private readonly quarantine: QuarantineList,
    private readonly decisions: QuarantineDecisions,
    private readonly audit: AuditLog,
  ) {}

  /** Lists the groups of quarantined instances, oldest first by default. `q` is a part of a PatientID or UID. */
  @Get()
  @Gives(pageOf(QuarantineItem))
  list(@Query(new QueryOf(QuarantineQuery)) query: QuarantineQuery): Promise<Page<QuarantineItem>> {
    return this.quarantine.list({ ...query, newestFirst: query.sort === '-since' });
  }

  /** Returns one group of quarantined instances, or 404 when the group no longer waits for a decision. */
  @Get(':id')
  @Gives(QuarantineItem)
  async get(@Param('id', new IdPipe()) id: string): Promise<QuarantineItem> {
    const item = await this.quarantine.get(id);
    if (item === undefined) throw new NotVisible();
    return item;
  }

  /**
   * Decides about a group of quarantined instances. `accept` adds the group to the catalog and quarantines the instances in the catalog
   * that contradict the group. `discard` deletes the group from the archive. `re-identify` gives the group another `patient_id`, another
   * `issuer` or new UIDs. An interrupted decision is completed automatically. Returns 409 when the decision is not possible now or another
   * decision is in progress. Returns 404 when the group no longer waits for a decision.
   */
  @Post(':id/decide')
  @HttpCode(200)
  @Gives(DecisionResult)
  async decide(
    @Req() request: FastifyRequest,
    @Param('id', new IdPipe()) id: string,
    @Body(new BodyOf(DecisionBody)) body: DecisionBody,
  ): Promise<z.output<typeof DecisionResult>> {
    if (request.actor === undefined) throw new NotAuthenticated();
    const item = await this.get(id);
    const { issuer, patient_id: patientId } = item.patient;
    const whose = { studyUid: item.study_uid, patientIssuer: issuer, patientId };
    const detail = { id, reason: item.reason, ...body };
    // Write the audit row first, because a decision that cannot be recorded must not be executed.
    const action = `quarantine ${body.decision} begins`;
    const { instances: waiting } = item;
    await this.audit.append({
      ...request.actor,
      ...whose,
      instances: waiting,
      kind: 'answer',
      action,
      detail,
    });
    request.auditNote = { ...whose, detail };
    const instances = await this.decisions.carryOut(id, decisionOf(body));
    request.auditNote = { ...whose, instances, detail };
    return { id, decision: body.decision, instances };
  }
}

function decisionOf(body: DecisionBody): Decision {
  if (body.decision !== 're-identify') return { kind: body.decision };
  return { kind: 're-identify', patientId: body.patient_id, issuer: body.issuer, newUids: body.new_uids };
}
