import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { DeclaredRights } from './declared.rights.js';
import { Policies } from './policies.service.js';

@Module({ imports: [DiscoveryModule], providers: [Policies, DeclaredRights], exports: [Policies] })
export class AuthzModule {}
