import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { AuthnModule } from '../authn/authn.module.js';
import { DeclaredRights } from './declared.rights.js';
import { Policies } from './policies.service.js';
import { RunningRequests } from './running.requests.js';

@Module({
  imports: [AuthnModule, DiscoveryModule],
  providers: [Policies, DeclaredRights, RunningRequests],
  exports: [Policies, RunningRequests],
})
export class AuthzModule {}
