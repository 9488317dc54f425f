import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { AuthzModule } from '../authz/authz.module.js';
import { CacheModule } from '../cache/cache.module.js';
import { CatalogModule } from '../catalog/catalog.module.js';
import { OrthancModule } from '../orthanc/orthanc.module.js';
import { RejectingModule } from '../rejecting/rejecting.module.js';
import { SyncModule } from '../sync/sync.module.js';
import { BodiesAhead } from './ahead/bodies.ahead.js';
import { OpenedStudies } from './ahead/opened.studies.js';
import { SeriesBodies } from './ahead/series.bodies.js';
import { WaitingRequests } from './ahead/waiting.requests.js';
import { ArchiveAnswers } from './archive/archive.answers.js';
import { ArchiveController } from './archive/archive.controller.js';
import { CapabilitiesController } from './capabilities.controller.js';
import { DeleteController } from './delete.controller.js';
import { DeletionService } from './deletion.service.js';
import { AppliedStates } from './pixels/applied.states.js';
import { DecodedFrames } from './pixels/decoded.frames.js';
import { EncodedFrames } from './pixels/encoded.frames.js';
import { FrameSource } from './pixels/frame.source.js';
import { FrameTasks } from './pixels/frame.tasks.js';
import { ImageHeaders } from './pixels/image.headers.js';
import { Includefield } from './qido/includefield.service.js';
import { QidoController } from './qido/qido.controller.js';
import { QidoService } from './qido/qido.service.js';
import { StudyListController } from './qido/study.list.controller.js';
import { Animations } from './rendered/animations.service.js';
import { GatewayPictures } from './rendered/gateway.pictures.js';
import { Documents } from './rendered/documents.service.js';
import { PictureBodies } from './rendered/picture.bodies.js';
import { PagePictures } from './rendered/page.pictures.js';
import { Pictures } from './rendered/pictures.service.js';
import { RenderedAnswers } from './rendered/rendered.answers.js';
import { WadoRenderedController } from './rendered/rendered.controller.js';
import { RenderedTargets } from './rendered/rendered.targets.js';
import { Reports } from './rendered/reports.service.js';
import { VideoAnswers } from './rendered/video.answers.js';
import { PartAdmission } from './stow/part.admission.js';
import { PartPipeline } from './stow/part.pipeline.js';
import { PartSettlement } from './stow/part.settlement.js';
import { PartTransfer } from './stow/part.transfer.js';
import { StowController } from './stow/stow.controller.js';
import { StowSenders } from './stow/stow.sender.js';
import { Stow } from './stow/stow.service.js';
import { ArchiveFetch } from './wado/archive.fetch.js';
import { BulkAnswers } from './wado/bulk.answers.js';
import { BulkValues } from './wado/bulk.values.js';
import { CachedAnswers } from './wado/cached.answers.js';
import { DeidentifiedFiles } from './wado/deidentified.files.js';
import { FileAnswers } from './wado/file.answers.js';
import { FrameBodies } from './wado/frame.bodies.js';
import { FrameAnswers } from './wado/frame.answers.js';
import { Frames } from './wado/frames.service.js';
import { InstanceFiles } from './wado/instance.files.js';
import { InstanceMetadata } from './wado/instance.metadata.js';
import { MetadataAnswers } from './wado/metadata.answers.js';
import { MetadataBodies } from './wado/metadata.bodies.js';
import { Metadata } from './wado/metadata.service.js';
import { ReadAccess } from './wado/read.access.js';
import { StoredFrames } from './wado/stored.frames.js';
import { WadoUriAnswers } from './wado/wado-uri.answers.js';
import { WadoUriController } from './wado/wado-uri.controller.js';
import { WadoController } from './wado/wado.controller.js';

/** The DICOMweb services (PS3.18): search, retrieve, store, delete and capabilities. */
@Module({
  imports: [AuditModule, AuthzModule, CacheModule, CatalogModule, RejectingModule, SyncModule, OrthancModule],
  controllers: [
    CapabilitiesController,
    QidoController,
    StudyListController,
    ArchiveController,
    WadoController,
    WadoRenderedController,
    WadoUriController,
    StowController,
    DeleteController,
  ],
  providers: [
    QidoService,
    Includefield,
    ReadAccess,
    DeidentifiedFiles,
    FileAnswers,
    ArchiveAnswers,
    FrameAnswers,
    MetadataAnswers,
    BulkAnswers,
    FrameBodies,
    MetadataBodies,
    PictureBodies,
    CachedAnswers,
    RenderedTargets,
    RenderedAnswers,
    VideoAnswers,
    WadoUriAnswers,
    Frames,
    StoredFrames,
    Metadata,
    InstanceMetadata,
    BulkValues,
    Pictures,
    Animations,
    GatewayPictures,
    AppliedStates,
    DecodedFrames,
    EncodedFrames,
    FrameTasks,
    FrameSource,
    ImageHeaders,
    Documents,
    PagePictures,
    Reports,
    InstanceFiles,
    ArchiveFetch,
    Stow,
    StowSenders,
    PartPipeline,
    PartAdmission,
    PartTransfer,
    PartSettlement,
    DeletionService,
    BodiesAhead,
    OpenedStudies,
    SeriesBodies,
    WaitingRequests,
  ],
  exports: [PartPipeline, StowSenders],
})
export class DicomwebModule {}
