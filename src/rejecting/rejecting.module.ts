import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { AuthzModule } from '../authz/authz.module.js';
import { RejectedController } from './rejected.controller.js';
import { RejectedList } from './rejected.list.js';
import { Rejections } from './rejections.service.js';

/** Rejected studies, series and instances: invisible for everyone, still in the archive. */
@Module({
  imports: [AuditModule, AuthzModule],
  controllers: [RejectedController],
  providers: [RejectedList, Rejections],
  exports: [Rejections],
})
export class RejectingModule {}
