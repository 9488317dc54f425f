import { Module } from '@nestjs/common';
import { FhirRecords } from './fhir.records.js';
import { FhirServer } from './fhir.server.js';
import { TerminologyServer } from './terminology.server.js';

/** The clients of HAPI FHIR and of a terminology server. */
@Module({
  providers: [FhirServer, FhirRecords, TerminologyServer],
  exports: [FhirServer, FhirRecords, TerminologyServer],
})
export class FhirModule {}
