import { Module } from '@nestjs/common';
import { AuthnModule } from '../authn/authn.module.js';
import { AuthzModule } from '../authz/authz.module.js';
import { Words } from './words.service.js';

/** Words → SNOMED CT: the chain of what is known, and the inbox of what is not. */
@Module({ imports: [AuthnModule, AuthzModule], providers: [Words], exports: [Words] })
export class TermsModule {}
