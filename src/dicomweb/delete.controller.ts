import { Controller, Delete, HttpCode, Query } from '@nestjs/common';
import { Requires } from '../authz/authz.guard.js';
import type { ResourceUids } from '../catalog/lookup.service.js';
import { QueryOf } from '../http/query.pipe.js';
import { DeletionQuery, DeletionService } from './deletion.service.js';
import { type DicomwebRequest, Incoming } from './http/dicomweb.request.js';
import { Target } from './http/target.param.js';

/**
 * Rejects studies, series and instances: they are invisible at once, and stay in the archive until they are purged. With the setting
 * `DELETE_MODE=remove`, they are deleted from the archive. The answer is 204 when the whole target is rejected or deleted, and 404 when the
 * target is unknown or `studies:delete` does not cover it.
 */
@Controller('dicom-web/studies/:study')
@Requires('studies:delete')
export class DeleteController {
  constructor(private readonly deletion: DeletionService) {}

  /** Rejects or deletes a study with all its series and instances. */
  @Delete()
  @HttpCode(204)
  study(
    @Incoming() request: DicomwebRequest,
    @Target() target: ResourceUids,
    @Query(new QueryOf(DeletionQuery)) { reason }: DeletionQuery,
  ): Promise<void> {
    return this.deletion.delete(request, target, reason);
  }

  /** Rejects or deletes a series with all its instances. */
  @Delete('series/:series')
  @HttpCode(204)
  series(
    @Incoming() request: DicomwebRequest,
    @Target() target: ResourceUids,
    @Query(new QueryOf(DeletionQuery)) { reason }: DeletionQuery,
  ): Promise<void> {
    return this.deletion.delete(request, target, reason);
  }

  /** Rejects or deletes one instance. */
  @Delete('series/:series/instances/:instance')
  @HttpCode(204)
  instance(
    @Incoming() request: DicomwebRequest,
    @Target() target: ResourceUids,
    @Query(new QueryOf(DeletionQuery)) { reason }: DeletionQuery,
  ): Promise<void> {
    return this.deletion.delete(request, target, reason);
  }
}
