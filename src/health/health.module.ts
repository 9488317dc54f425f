import { Module } from '@nestjs/common';
import { FhirModule } from '../fhir/fhir.module.js';
import { OrthancModule } from '../orthanc/orthanc.module.js';
import { HealthController } from './health.controller.js';

@Module({ imports: [OrthancModule, FhirModule], controllers: [HealthController] })
export class HealthModule {}
