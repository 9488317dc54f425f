import { Module } from '@nestjs/common';
import { StandardSchemaValidationPipe } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { AdminModule } from './admin/admin.module.js';
import { AuditModule } from './audit/audit.module.js';
import { AuthnGuard } from './authn/authn.guard.js';
import { AuthnModule } from './authn/authn.module.js';
import { AuthzGuard } from './authz/authz.guard.js';
import { AuthzModule } from './authz/authz.module.js';
import { CatalogModule } from './catalog/catalog.module.js';
import { SyncModule } from './sync/sync.module.js';
import { ConfigModule } from './config/config.module.js';
import { DatabaseModule } from './database/database.module.js';
import { DicomwebModule } from './dicomweb/dicomweb.module.js';
import { HealthModule } from './health/health.module.js';
import { ImportsModule } from './imports/imports.module.js';
import { OpenApiModule } from './openapi/openapi.module.js';
import { OrthancModule } from './orthanc/orthanc.module.js';
import { BadRequest } from './problems/errors.js';
import { RejectingModule } from './rejecting/rejecting.module.js';
import { ProblemFilter } from './http/problem.filter.js';
import { UploadsModule } from './uploads/uploads.module.js';

/** The modules, in the order in which a request passes through them. */
@Module({
  imports: [
    // Settings and database.
    ConfigModule,
    DatabaseModule,
    // The audit, with hooks for every response.
    AuditModule,
    // Authentication, and then authorization.
    AuthnModule,
    AuthzModule,
    // Images: DICOMweb, catalog, synchronisation and archive.
    DicomwebModule,
    CatalogModule,
    SyncModule,
    RejectingModule,
    OrthancModule,
    UploadsModule,
    // Records: the import of patient lists as FHIR resources.
    ImportsModule,
    // Administration and health.
    AdminModule,
    HealthModule,
    OpenApiModule,
  ],
  providers: [
    { provide: APP_GUARD, useExisting: AuthnGuard },
    { provide: APP_GUARD, useClass: AuthzGuard },
    {
      provide: APP_PIPE,
      useValue: new StandardSchemaValidationPipe({
        exceptionFactory: () =>
          new BadRequest('invalid-parameter', 'A part of the path or a query parameter is not valid.'),
      }),
    },
    { provide: APP_FILTER, useClass: ProblemFilter },
  ],
})
export class AppModule {}
