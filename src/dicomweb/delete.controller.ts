import { Controller, Delete, HttpCode, Param, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { AuditLog } from '../audit/audit.log.js';
import { May, Requires } from '../authz/authz.guard.js';
import type { Policy } from '../authz/policy.js';
import { DeletionSync } from '../sync/deletion.sync.service.js';
import { Lookup, type Target } from '../catalog/lookup.service.js';
import type { SeriesUid, SopUid, StudyUid } from '../dicom/uids.js';
import { OrthancApi } from '../orthanc/orthanc.api.js';
import { NotAuthenticated } from '../problems/errors.js';
import { InstanceParam, SeriesParam, StudyParam } from './http/uid.params.js';

/** Instances taken out of the archive at one time. */
const AT_ONCE = 4;

/**
 * Deletes what `studies:delete` covers, in archive and catalog alike, instance by instance: when it is cut off, what is gone is gone
 * from both, and the same request goes on. 204 when nothing of it is left; 404 for the unknown and for what is out of scope.
 */
@Controller('dicom-web/studies/:study')
@Requires('studies:delete')
export class DeleteController {
  constructor(
    private readonly lookup: Lookup,
    private readonly api: OrthancApi,
    private readonly departures: DeletionSync,
    private readonly audit: AuditLog,
  ) {}

  /** A study and all that is below it. */
  @Delete()
  @HttpCode(204)
  study(
    @Req() request: FastifyRequest,
    @May() policy: Policy,
    @Param('study', StudyParam) study: StudyUid,
  ): Promise<void> {
    return this.delete(request, policy, { study });
  }

  /** A series of a study. */
  @Delete('series/:series')
  @HttpCode(204)
  series(
    @Req() request: FastifyRequest,
    @May() policy: Policy,
    @Param('study', StudyParam) study: StudyUid,
    @Param('series', SeriesParam) series: SeriesUid,
  ): Promise<void> {
    return this.delete(request, policy, { study, series });
  }

  /** One instance. */
  @Delete('series/:series/instances/:instance')
  @HttpCode(204)
  instance(
    @Req() request: FastifyRequest,
    @May() policy: Policy,
    @Param('study', StudyParam) study: StudyUid,
    @Param('series', SeriesParam) series: SeriesUid,
    @Param('instance', InstanceParam) instance: SopUid,
  ): Promise<void> {
    return this.delete(request, policy, { study, series, instance });
  }

  private async delete(request: FastifyRequest, policy: Policy, target: Target): Promise<void> {
    if (request.actor === undefined) throw new NotAuthenticated();
    const { studyUid, patientIssuer, patientId, instances } = await this.lookup.find(
      policy,
      'studies:delete',
      target,
    );
    const whose = { studyUid, patientIssuer, patientId, instances: instances.length };
    // Before anything is gone: a deletion that cannot be put on record does not begin.
    await this.audit.append({
      ...request.actor,
      ...whose,
      kind: 'answer',
      action: 'delete begins',
      detail: { ...target },
    });
    request.auditNote = { ...whose, detail: { ...target } };
    for (let at = 0; at < instances.length; at += AT_ONCE) {
      await Promise.all(
        instances.slice(at, at + AT_ONCE).map(async ({ orthancId }) => {
          await this.api.deleteInstance(orthancId);
          await this.departures.recheck(orthancId);
        }),
      );
    }
  }
}
