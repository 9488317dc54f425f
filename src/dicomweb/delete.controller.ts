import { Controller, Delete, HttpCode } from '@nestjs/common';
import { Requires } from '../authz/authz.guard.js';
import type { ResourceUids } from '../catalog/lookup.service.js';
import { DeletionService } from './deletion.service.js';
import { type DicomwebRequest, Incoming } from './http/dicomweb.request.js';
import { Target } from './http/target.param.js';

/**
 * Deletes studies, series and instances. The answer is 204 when the whole target is deleted, and 404 when the target is unknown or
 * `studies:delete` does not cover it.
 */
@Controller('dicom-web/studies/:study')
@Requires('studies:delete')
export class DeleteController {
  constructor(private readonly deletion: DeletionService) {}

  /** Deletes a study with all its series and instances. */
  @Delete()
  @HttpCode(204)
  study(@Incoming() request: DicomwebRequest, @Target() target: ResourceUids): Promise<void> {
    return this.deletion.delete(request, target);
  }

  /** Deletes a series with all its instances. */
  @Delete('series/:series')
  @HttpCode(204)
  series(@Incoming() request: DicomwebRequest, @Target() target: ResourceUids): Promise<void> {
    return this.deletion.delete(request, target);
  }

  /** Deletes one instance. */
  @Delete('series/:series/instances/:instance')
  @HttpCode(204)
  instance(@Incoming() request: DicomwebRequest, @Target() target: ResourceUids): Promise<void> {
    return this.deletion.delete(request, target);
  }
}
