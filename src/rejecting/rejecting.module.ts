import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { AuthzModule } from '../authz/authz.module.js';
import { OrthancModule } from '../orthanc/orthanc.module.js';
import { HoldsController } from './holds.controller.js';
import { Holds } from './holds.service.js';
import { PurgeRequests } from './purge.requests.js';
import { Purges } from './purges.service.js';
import { RejectedController } from './rejected.controller.js';
import { RejectedList } from './rejected.list.js';
import { Rejections } from './rejections.service.js';

/** Rejected studies, series and instances: invisible for everyone, still in the archive. */
@Module({
  imports: [AuditModule, AuthzModule, OrthancModule],
  controllers: [HoldsController, RejectedController],
  providers: [Holds, PurgeRequests, Purges, RejectedList, Rejections],
  exports: [Rejections],
})
export class RejectingModule {}
