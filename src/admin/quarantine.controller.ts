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
const Wish = z.discriminatedUnion('decision', [
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
        message: 'Name a patient_id, an issuer, or new_uids.',
      },
    ),
]);
type Wish = z.output<typeof Wish>;

const QuarantineQuery = ListQuery.extend({
  reason: z.string().max(64).optional(),
  sort: z.enum(['since', '-since']).default('since'),
});
type QuarantineQuery = z.output<typeof QuarantineQuery>;

const Decided = z.object({
  id: z.uuid(),
  decision: z.enum(['accept', 'discard', 're-identify']),
  instances: z.int(),
});

/** What the archive holds and the catalog does not show: two patients under one study UID, and the like. */
@Controller('api/quarantine')
@Requires('system:operate')
export class QuarantineController {
  constructor(
    private readonly waiting: QuarantineList,
    private readonly decisions: QuarantineDecisions,
    private readonly audit: AuditLog,
  ) {}

  /** Newcomers that wait for a decision, oldest first, each with its reason, its patient and whom it contradicts; `q` is a part of a PatientID or UID; also by `reason`, and newest first by `sort=-since`. */
  @Get()
  @Gives(pageOf(QuarantineItem))
  list(@Query(new QueryOf(QuarantineQuery)) query: QuarantineQuery): Promise<Page<QuarantineItem>> {
    return this.waiting.list({ ...query, newestFirst: query.sort === '-since' });
  }

  /** One newcomer; 404 once it no longer waits. */
  @Get(':id')
  @Gives(QuarantineItem)
  async get(@Param('id', new IdPipe()) id: string): Promise<QuarantineItem> {
    const item = await this.waiting.get(id);
    if (item === undefined) throw new NotVisible();
    return item;
  }

  /**
   * Decides: `accept` shows the newcomer, and what it contradicts waits in its place; `discard` deletes it from the archive;
   * `re-identify` gives it another `patient_id`, `issuer` or `new_uids`. Answers how many instances it was done to. What is
   * cut off is finished by itself. 409 when it cannot be done now, or when another decision about it is being carried out; 404 once it
   * no longer waits.
   */
  @Post(':id/decide')
  @HttpCode(200)
  @Gives(Decided)
  async decide(
    @Req() request: FastifyRequest,
    @Param('id', new IdPipe()) id: string,
    @Body(new BodyOf(Wish)) wish: Wish,
  ): Promise<z.output<typeof Decided>> {
    if (request.actor === undefined) throw new NotAuthenticated();
    const item = await this.get(id);
    const { study_uid: studyUid, patient, reason } = item;
    const whose = { studyUid, patientIssuer: patient.issuer, patientId: patient.patient_id };
    const detail = { id, reason, ...wish };
    // Before anything is done: a decision that cannot be put on record is not carried out.
    await this.audit.append({
      ...request.actor,
      ...whose,
      instances: item.instances,
      kind: 'answer',
      action: `quarantine ${wish.decision} begins`,
      detail,
    });
    request.auditNote = { ...whose, detail };
    const instances = await this.decisions.carryOut(id, decisionOf(wish));
    request.auditNote = { ...whose, instances, detail };
    return { id, decision: wish.decision, instances };
  }
}

function decisionOf(wish: Wish): Decision {
  if (wish.decision !== 're-identify') return { kind: wish.decision };
  return { kind: 're-identify', patientId: wish.patient_id, issuer: wish.issuer, newUids: wish.new_uids };
}
