import { Module } from '@nestjs/common';
import { Answers } from './answers.js';
import { AuditLog } from './audit.log.js';
import { Readings } from './readings.js';
import { Refusals } from './refusals.js';
import { Sealer } from './sealer.js';

/** RECORD. */
@Module({ providers: [AuditLog, Readings, Refusals, Answers, Sealer], exports: [AuditLog, Readings] })
export class AuditModule {}
