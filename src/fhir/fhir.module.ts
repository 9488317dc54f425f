import { Module } from '@nestjs/common';
import { FhirRecords } from './fhir.records.js';
import { FhirServer } from './fhir.server.js';

/** The way to HAPI FHIR. */
@Module({ providers: [FhirServer, FhirRecords], exports: [FhirServer, FhirRecords] })
export class FhirModule {}
