import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { AuthnModule } from '../authn/authn.module.js';
import { AuthzModule } from '../authz/authz.module.js';
import { CodeTargets } from './code.look.up.js';
import { CodeMapsController } from './code.maps.controller.js';
import { CodeMaps } from './code.maps.service.js';
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
  controllers: [CodeMapsController, TermsController],
  providers: [CodeMaps, CodeTargets, Decisions, TargetCheck, Terminology, TerminologyCache, Terms, Words],
  exports: [CodeTargets, Words],
})
export class TermsModule {}
