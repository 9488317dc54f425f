import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { AuthnModule } from '../authn/authn.module.js';
import { AuthzModule } from '../authz/authz.module.js';
import { FhirModule } from '../fhir/fhir.module.js';
import { SecretsModule } from '../secrets/secrets.module.js';
import { TermsModule } from '../terms/terms.module.js';
import { BundleWriter } from './bundle.writer.js';
import { Chunks } from './chunk.service.js';
import { Duplicates } from './duplicates.service.js';
import { ImportControl } from './import.control.js';
import { ImportEvents } from './import.events.js';
import { ImportJobs } from './import.jobs.js';
import { ImportLocks } from './import.locks.js';
import { ImportNotifications } from './import.notifications.js';
import { ImportRows } from './import.rows.js';
import { ImportsController } from './imports.controller.js';
import { Imports } from './imports.service.js';
import { Inspection } from './inspection.service.js';
import { MappingContexts } from './mapping.contexts.js';
import { MappingsController } from './mappings.controller.js';
import { Mappings } from './mappings.service.js';
import { MergedRows } from './merged.rows.js';
import { Provenances } from './provenance.service.js';
import { Reliance } from './reliance.service.js';
import { Reruns } from './rerun.service.js';
import { ResultsController } from './results.controller.js';
import { RowChanges } from './row.changes.js';
import { RowPages } from './row.pages.js';
import { RowRetention } from './row.retention.js';
import { RowStore } from './row.store.js';
import { StagedFiles } from './staged.files.js';
import { StagedSweeper } from './staged.sweeper.js';
import { Undo } from './undo.service.js';
import { UploadReceiver } from './upload.receiver.js';

/** Records: CSV uploads, the job that turns their rows into FHIR resources, and what is told about it. */
@Module({
  imports: [AuditModule, AuthnModule, AuthzModule, FhirModule, SecretsModule, TermsModule],
  controllers: [ImportsController, MappingsController, ResultsController],
  providers: [
    BundleWriter,
    Chunks,
    Duplicates,
    ImportControl,
    ImportEvents,
    ImportJobs,
    ImportLocks,
    ImportNotifications,
    ImportRows,
    Imports,
    Inspection,
    MappingContexts,
    Mappings,
    MergedRows,
    Provenances,
    Reliance,
    Reruns,
    RowChanges,
    RowPages,
    RowRetention,
    RowStore,
    StagedFiles,
    StagedSweeper,
    Undo,
    UploadReceiver,
  ],
})
export class ImportsModule {}
