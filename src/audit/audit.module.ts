import { Module } from '@nestjs/common';
import { Answers } from './answers.js';
import { AuditLog } from './audit.log.js';
import { AuditSearch } from './audit.search.js';
import { Deeds } from './deeds.js';
import { Months } from './months.js';
import { Readings } from './readings.js';
import { Refusals } from './refusals.js';
import { Sealer } from './sealer.js';

/** RECORD. */
@Module({
  providers: [AuditLog, AuditSearch, Readings, Refusals, Answers, Deeds, Sealer, Months],
  exports: [AuditLog, AuditSearch, Readings, Deeds, Sealer],
})
export class AuditModule {}
