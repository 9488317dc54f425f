import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { AuditLog } from '../audit/audit.log.js';
import { Lookup, type ResourceUids } from '../catalog/lookup.service.js';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';
import { OrthancApi } from '../orthanc/orthanc.api.js';
import { REASON_CODES, type RejectionReason } from '../rejecting/rejection.reasons.js';
import { Rejections } from '../rejecting/rejections.service.js';
import { DeletionSync } from '../sync/deletion.sync.service.js';
import type { DicomwebRequest } from './http/dicomweb.request.js';

/** Number of instances that are deleted at the same time. */
const CONCURRENCY = 4;

/** The query of a deletion. */
export const DeletionQuery = z.strictObject({
  reason: z
    .enum(REASON_CODES)
    .optional()
    .describe('The reason of the rejection, a code value of DCM (PS3.16 CID 7011).'),
});
export type DeletionQuery = z.output<typeof DeletionQuery>;

/** Rejects instances, or removes them from the archive and the catalog (setting `DELETE_MODE`), if `studies:delete` covers them. */
@Injectable()
export class DeletionService {
  constructor(
    @Inject(ENV) private readonly env: Pick<Env, 'DELETE_MODE'>,
    private readonly rejections: Rejections,
    private readonly lookup: Lookup,
    private readonly api: OrthancApi,
    private readonly deletions: DeletionSync,
    private readonly audit: AuditLog,
  ) {}

  /** Rejects or removes all instances of the target. Throws `NotVisible` when the target is unknown or out of scope. */
  async delete(
    request: DicomwebRequest,
    target: ResourceUids,
    reason: RejectionReason | undefined,
  ): Promise<void> {
    if (this.env.DELETE_MODE === 'remove') return this.remove(request, target);
    request.note(await this.rejections.reject(request.policy, request.actor, target, reason));
  }

  /**
   * Deletes all instances of the target from the archive and from the catalog. If a deletion was interrupted, the client can send the same
   * request again to continue the deletion.
   */
  private async remove({ policy, actor, note }: DicomwebRequest, target: ResourceUids): Promise<void> {
    const { studyUid, patientIssuer, patientId, instances } = await this.lookup.find(
      policy,
      'studies:delete',
      target,
    );
    const facts = { studyUid, patientIssuer, patientId, instances: instances.length, detail: { ...target } };
    // The audit row is committed first. If the commit fails, nothing is deleted.
    await this.audit.append({ ...actor, ...facts, kind: 'answer', action: 'delete begins' });
    note(facts);
    for (let start = 0; start < instances.length; start += CONCURRENCY) {
      await Promise.all(
        instances.slice(start, start + CONCURRENCY).map(async ({ orthancId }) => {
          await this.api.deleteInstance(orthancId);
          await this.deletions.recheck(orthancId);
        }),
      );
    }
  }
}
