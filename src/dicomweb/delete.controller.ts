import { Controller, Delete, HttpCode } from '@nestjs/common';
import { Requires } from '../authz/authz.guard.js';
import type { ResourceUids } from '../catalog/lookup.service.js';
import { DeletionService } from './deletion.service.js';
import { type DicomwebRequest, Incoming } from './http/dicomweb.request.js';
import { Target } from './http/target.param.js';

/** Deletes studies, series and instances. 204 when nothing of the target is left; 404 when it is unknown or not covered by `studies:delete`. */
@Controller('dicom-web/studies/:study')
@Requires('studies:delete')
export class DeleteController {
  constructor(private readonly deletion: DeletionService) {}

  /** A study and all that is below it. */
  @Delete()
  @HttpCode(204)
  study(@Incoming() request: DicomwebRequest, @Target() target: ResourceUids): Promise<void> {
    return this.deletion.delete(request, target);
  }

  /** A series of a study. */
  @Delete('series/:series')
  @HttpCode(204)
  series(@Incoming() request: DicomwebRequest, @Target() target: ResourceUids): Promise<void> {
    return this.deletion.delete(request, target);
  }

  /** One instance. */
  @Delete('series/:series/instances/:instance')
  @HttpCode(204)
  instance(@Incoming() request: DicomwebRequest, @Target() target: ResourceUids): Promise<void> {
    return this.deletion.delete(request, target);
  }
}
