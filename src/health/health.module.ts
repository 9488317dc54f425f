import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { FhirModule } from '../fhir/fhir.module.js';
import { OrthancModule } from '../orthanc/orthanc.module.js';
import { HealthController } from './health.controller.js';
import { MetricsController } from './metrics.controller.js';
import { Metrics } from './metrics.service.js';

@Module({
  imports: [AuditModule, OrthancModule, FhirModule],
  controllers: [HealthController, MetricsController],
  providers: [Metrics],
})
export class HealthModule {}
