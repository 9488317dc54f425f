import { Module } from '@nestjs/common';
import { FhirServer } from './fhir.server.js';

/** The way to HAPI FHIR. */
@Module({ providers: [FhirServer], exports: [FhirServer] })
export class FhirModule {}
