import { Controller, Get, Header, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Actor } from '../audit/audit.log.js';
import { Requires } from '../authz/authz.guard.js';
import type { Policy } from '../authz/policy.js';
import { IdPipe } from '../http/body.pipe.js';
import type { Page } from '../http/list.query.js';
import { ListQuery, QueryOf } from '../http/query.pipe.js';
import { Gives, pageOf } from '../http/response.shape.js';
import { NotAuthenticated, NotVisible, RightMissing } from '../problems/errors.js';
import { PurgeRequests } from './purge.requests.js';
import { RejectedList, RejectedObject } from './rejected.list.js';
import { Rejections } from './rejections.service.js';

const RejectedQuery = ListQuery.extend({
  sort: z.enum(['rejected_at', '-rejected_at']).default('-rejected_at'),
});
type RejectedQuery = z.output<typeof RejectedQuery>;

const Purged = z.object({
  id: z.uuid(),
  state: z
    .enum(['requested', 'purging'])
    .describe('Whether another account must confirm the purge, or the gateway removes the instances now.'),
});

const Restored = z.object({
  id: z.uuid(),
  instances: z.int().describe('The number of instances that are visible again.'),
});

/** Rejected studies, series and instances. */
@Controller('api/rejected')
@Requires('studies:delete')
export class RejectedController {
  constructor(
    private readonly rejected: RejectedList,
    private readonly rejections: Rejections,
    private readonly purges: PurgeRequests,
  ) {}

  /**
   * Lists the rejections whose instances are still rejected, newest first by default. `q` is a part of the patient's name, of the PatientID or
   * of a UID.
   */
  @Get()
  @Gives(pageOf(RejectedObject))
  @Header('cache-control', 'no-store')
  async list(
    @Req() request: FastifyRequest,
    @Query(new QueryOf(RejectedQuery)) query: RejectedQuery,
  ): Promise<Page<RejectedObject>> {
    const newestFirst = query.sort === '-rejected_at';
    const page = await this.rejected.list(callerOf(request).policy, { ...query, newestFirst });
    request.auditNote = { detail: { answered: page.items.length, total: page.total } };
    return page;
  }

  /** Returns one rejection, or 404 when its instances are no longer rejected. */
  @Get(':id')
  @Gives(RejectedObject)
  @Header('cache-control', 'no-store')
  async get(@Req() request: FastifyRequest, @Param('id', new IdPipe()) id: string): Promise<RejectedObject> {
    const item = await this.rejected.get(callerOf(request).policy, id);
    if (item === undefined) throw new NotVisible();
    const { issuer: patientIssuer, patient_id: patientId } = item.patient;
    request.auditNote = { studyUid: item.study_uid, patientIssuer, patientId, detail: { id } };
    return item;
  }

  /**
   * Makes the instances of a rejection visible again. `instances` is their number. A repeated request restores nothing and succeeds. The
   * answer is 404 when the rejection is unknown or `studies:delete` does not cover it, and 409 while the instances are purged.
   */
  @Post(':id/restore')
  @HttpCode(200)
  @Gives(Restored)
  async restore(
    @Req() request: FastifyRequest,
    @Param('id', new IdPipe()) id: string,
  ): Promise<z.output<typeof Restored>> {
    const { policy, actor } = callerOf(request);
    const restored = await this.rejections.restore(policy, actor, id);
    request.auditNote = { ...restored, detail: { id } };
    return { id, instances: restored.instances };
  }

  /**
   * Removes the instances of a rejection from the archive. Returns 202, because the gateway removes them afterwards. With the setting
   * `PURGE_TWO_PERSONS`, the first request is only a request, and another account must confirm it with the same request. Returns 409 before
   * the waiting time (`PURGE_AFTER_DAYS`) or the retention (`RETENTION_YEARS`) has ended, or while a legal hold covers the study or its patient.
   */
  @Post(':id/purge')
  @HttpCode(202)
  @Gives(Purged, 202)
  async purge(
    @Req() request: FastifyRequest,
    @Param('id', new IdPipe()) id: string,
  ): Promise<z.output<typeof Purged>> {
    const { policy, actor } = callerOf(request);
    const { state, facts } = await this.purges.purge(policy, actor, id);
    const { studyUid, patientIssuer, patientId, instances } = facts;
    request.auditNote = { studyUid, patientIssuer, patientId, instances, detail: { id, state } };
    return { id, state };
  }
}

function callerOf({ policy, actor }: FastifyRequest): { policy: Policy; actor: Actor } {
  if (policy === undefined) throw new RightMissing();
  if (actor === undefined) throw new NotAuthenticated();
  return { policy, actor };
}
