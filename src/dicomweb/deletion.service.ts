import { Injectable } from '@nestjs/common';
import { AuditLog } from '../audit/audit.log.js';
import { Lookup, type ResourceUids } from '../catalog/lookup.service.js';
import { OrthancApi } from '../orthanc/orthanc.api.js';
import { DeletionSync } from '../sync/deletion.sync.service.js';
import type { DicomwebRequest } from './http/dicomweb.request.js';

/** Number of instances that are deleted at the same time. */
const CONCURRENCY = 4;

/** Deletes instances from the archive and from the catalog, if `studies:delete` covers them. */
@Injectable()
export class DeletionService {
  constructor(
    private readonly lookup: Lookup,
    private readonly api: OrthancApi,
    private readonly deletions: DeletionSync,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Deletes all instances of the target from the archive and from the catalog. If a deletion was interrupted, the client can send the same
   * request again to continue the deletion. Throws `NotVisible` when the target is unknown or out of scope.
   */
  async delete({ policy, actor, note }: DicomwebRequest, target: ResourceUids): Promise<void> {
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
