import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { AuthnModule } from '../authn/authn.module.js';
import { AuthzModule } from '../authz/authz.module.js';
import { Decisions } from './decisions.service.js';
import { FhirModule } from '../fhir/fhir.module.js';
import { TargetCheck } from './target.check.js';
import { Terminology } from './terminology.service.js';
import { TerminologyCache } from './terminology.cache.js';
import { TermsController } from './terms.controller.js';
import { Terms } from './terms.service.js';
import { Words } from './words.service.js';

/** Maps words to SNOMED CT: the known words, the decisions, and the inbox of unknown words. */
@Module({
  imports: [AuditModule, AuthnModule, AuthzModule, FhirModule],
  controllers: [TermsController],
  providers: [Decisions, TargetCheck, Terminology, TerminologyCache, Terms, Words],
  exports: [Words],
})
export class TermsModule {}
