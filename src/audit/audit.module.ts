import { Module } from '@nestjs/common';
import { Answers } from './answers.js';
import { AuditChecks } from './audit.checks.js';
import { AuditLog } from './audit.log.js';
import { AuditSearch } from './audit.search.js';
import { AuditSummaries } from './audit.summary.js';
import { AuditedActions } from './audited.actions.js';
import { AuditPartitions } from './audit.partitions.js';
import { Readings } from './readings.js';
import { Refusals } from './refusals.js';
import { Sealer } from './sealer.js';

/** The module that writes, seals and searches audit rows. */
@Module({
  providers: [
    AuditChecks,
    AuditLog,
    AuditSearch,
    AuditSummaries,
    Readings,
    Refusals,
    Answers,
    AuditedActions,
    Sealer,
    AuditPartitions,
  ],
  exports: [AuditChecks, AuditLog, AuditSearch, AuditSummaries, Readings, AuditedActions, Sealer],
})
export class AuditModule {}
