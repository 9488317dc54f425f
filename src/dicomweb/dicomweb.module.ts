import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { AuthzModule } from '../authz/authz.module.js';
import { CatalogModule } from '../catalog/catalog.module.js';
import { SyncModule } from '../sync/sync.module.js';
import { OrthancModule } from '../orthanc/orthanc.module.js';
import { BulkValues } from './wado/bulk.values.js';
import { CapabilitiesController } from './capabilities.controller.js';
import { DeleteController } from './delete.controller.js';
import { Frames } from './wado/frames.service.js';
import { Includefield } from './qido/includefield.service.js';
import { InstanceMetadata } from './wado/instance.metadata.js';
import { Metadata } from './wado/metadata.service.js';
import { Pictures } from './wado/pictures.service.js';
import { QidoController } from './qido/qido.controller.js';
import { RenderedReplies } from './wado/rendered.replies.js';
import { Retrieval } from './wado/retrieval.service.js';
import { Stow } from './stow/stow.service.js';
import { StoredFrames } from './wado/stored.frames.js';
import { StowController } from './stow/stow.controller.js';
import { WadoController } from './wado/wado.controller.js';
import { WadoRenderedController } from './wado/wado.rendered.controller.js';
import { WadoUriController } from './wado/wado-uri.controller.js';

/** The words of PS3.18. */
@Module({
  imports: [AuditModule, AuthzModule, CatalogModule, SyncModule, OrthancModule],
  controllers: [
    CapabilitiesController,
    QidoController,
    WadoController,
    WadoRenderedController,
    WadoUriController,
    StowController,
    DeleteController,
  ],
  providers: [
    Retrieval,
    Metadata,
    InstanceMetadata,
    BulkValues,
    Includefield,
    Frames,
    Pictures,
    RenderedReplies,
    StoredFrames,
    Stow,
  ],
})
export class DicomwebModule {}
