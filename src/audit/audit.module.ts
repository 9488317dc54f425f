import { Module } from '@nestjs/common';
import { Answers } from './answers.js';
import { AuditLog } from './audit.log.js';
import { AuditSearch } from './audit.search.js';
import { AuditedActions } from './audited.actions.js';
import { AuditPartitions } from './audit.partitions.js';
import { Readings } from './readings.js';
import { Refusals } from './refusals.js';
import { Sealer } from './sealer.js';

/** The module that writes, seals and searches audit rows. */
@Module({
  providers: [AuditLog, AuditSearch, Readings, Refusals, Answers, AuditedActions, Sealer, AuditPartitions],
  exports: [AuditLog, AuditSearch, Readings, AuditedActions, Sealer],
})
export class AuditModule {}
