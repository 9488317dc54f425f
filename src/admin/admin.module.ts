import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { AuthnModule } from '../authn/authn.module.js';
import { AuthzModule } from '../authz/authz.module.js';
import { CatalogModule } from '../catalog/catalog.module.js';
import { SyncModule } from '../sync/sync.module.js';
import { AccessController } from './access.controller.js';
import { AccessesController } from './own/accesses.controller.js';
import { Accesses } from './own/accesses.service.js';
import { AuditController } from './reports/audit.controller.js';
import { AuditReportsController } from './reports/audit.reports.controller.js';
import { Explanations } from './explain.service.js';
import { FirstAdministrator } from './first.administrator.js';
import { GrantsController } from './grants.controller.js';
import { Grants } from './grants.service.js';
import { GroupsController } from './groups.controller.js';
import { Groups } from './groups.service.js';
import { KeysController } from './keys.controller.js';
import { Keys } from './keys.service.js';
import { LastAdministrator } from './last.administrator.js';
import { MachinesController } from './machines.controller.js';
import { Machines } from './machines.service.js';
import { MeController } from './own/me.controller.js';
import { MembersController } from './members.controller.js';
import { Members } from './members.service.js';
import { Senders } from './senders.service.js';
import { UserSessionsController } from './user.sessions.controller.js';
import { OperationsController } from './operations.controller.js';
import { OwnStudyController } from './own/own.study.controller.js';
import { QuarantineSidesController } from './quarantine.sides.controller.js';
import { QuarantineController } from './quarantine.controller.js';
import { SystemReports } from './reports/system.report.js';
import { UsersController } from './users.controller.js';
import { Users } from './users.service.js';
import { WhatIfs } from './what.if.service.js';

/** Administration: people, groups, grants, machine accounts and their keys, quarantine, audit. */
@Module({
  imports: [AuditModule, AuthnModule, AuthzModule, CatalogModule, SyncModule],
  controllers: [
    MeController,
    OwnStudyController,
    UsersController,
    UserSessionsController,
    GroupsController,
    MembersController,
    GrantsController,
    MachinesController,
    KeysController,
    QuarantineController,
    QuarantineSidesController,
    OperationsController,
    AccessController,
    AccessesController,
    AuditController,
    AuditReportsController,
  ],
  providers: [
    Accesses,
    Explanations,
    WhatIfs,
    FirstAdministrator,
    Grants,
    Groups,
    Keys,
    LastAdministrator,
    Machines,
    Members,
    Senders,
    SystemReports,
    Users,
  ],
})
export class AdminModule {}
