import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { AuthnModule } from '../authn/authn.module.js';
import { AuthzModule } from '../authz/authz.module.js';
import { FhirModule } from '../fhir/fhir.module.js';
import { SecretsModule } from '../secrets/secrets.module.js';
import { TermsModule } from '../terms/terms.module.js';
import { BundleWriter } from './writing/bundle.writer.js';
import { Chunks } from './jobs/chunk.service.js';
import { ChunkStore } from './writing/chunk.store.js';
import { Corrections } from './writing/correction.service.js';
import { FileIdentities } from './jobs/file.identities.js';
import { IdentityReviews } from './writing/identity.reviews.js';
import { ReviewDecisions } from './jobs/review.decisions.js';
import { ReviewList } from './http/review.list.js';
import { ReviewsController } from './http/reviews.controller.js';
import { Drafts } from './jobs/drafts.service.js';
import { Duplicates } from './jobs/duplicates.service.js';
import { ImportControl } from './jobs/import.control.js';
import { ImportEvents } from './http/import.events.js';
import { ImportJobs } from './jobs/import.jobs.js';
import { ImportLocks } from './writing/import.locks.js';
import { ImportNotifications } from './http/import.notifications.js';
import { ImportRows } from './http/import.rows.js';
import { ImportsController } from './http/imports.controller.js';
import { Imports } from './jobs/imports.service.js';
import { Inspection } from './jobs/inspection.service.js';
import { MappingAnswers } from './jobs/mapping.answers.js';
import { MappingChoice } from './jobs/mapping.choice.js';
import { MappingContexts } from './jobs/mapping.contexts.js';
import { MappingsController } from './http/mappings.controller.js';
import { MovePlanner } from './writing/move.planner.js';
import { Mappings } from './jobs/mappings.service.js';
import { MergedRows } from './writing/merged.rows.js';
import { Proposals } from './jobs/proposals.service.js';
import { ProposalsController } from './http/proposals.controller.js';
import { Provenances } from './writing/provenance.service.js';
import { ImportDependencies } from './writing/import.dependencies.js';
import { Reruns } from './jobs/rerun.service.js';
import { ResultsController } from './http/results.controller.js';
import { RowChanges } from './writing/row.changes.js';
import { RowPages } from './http/row.pages.js';
import { RowRetention } from './jobs/row.retention.js';
import { RowStore } from './writing/row.store.js';
import { StaleUses } from './writing/stale.uses.js';
import { StagedFiles } from './jobs/staged.files.js';
import { StagedSweeper } from './jobs/staged.sweeper.js';
import { Undo } from './writing/undo.service.js';
import { UploadReceiver } from './http/upload.receiver.js';

/** Imports of patient lists: the uploads, the jobs that write the rows as FHIR resources, and the reports. */
@Module({
  imports: [AuditModule, AuthnModule, AuthzModule, FhirModule, SecretsModule, TermsModule],
  controllers: [
    ImportsController,
    MappingsController,
    ProposalsController,
    ReviewsController,
    ResultsController,
  ],
  providers: [
    BundleWriter,
    Chunks,
    ChunkStore,
    Corrections,
    Drafts,
    Duplicates,
    FileIdentities,
    IdentityReviews,
    ImportControl,
    ImportEvents,
    ImportJobs,
    ImportLocks,
    ImportNotifications,
    ImportRows,
    Imports,
    Inspection,
    MappingAnswers,
    MappingChoice,
    MappingContexts,
    Mappings,
    MergedRows,
    MovePlanner,
    Proposals,
    Provenances,
    ImportDependencies,
    Reruns,
    ReviewDecisions,
    ReviewList,
    RowChanges,
    RowPages,
    RowRetention,
    RowStore,
    StagedFiles,
    StagedSweeper,
    StaleUses,
    Undo,
    UploadReceiver,
  ],
})
export class ImportsModule {}
