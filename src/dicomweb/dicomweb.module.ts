import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { AuthzModule } from '../authz/authz.module.js';
import { CatalogModule } from '../catalog/catalog.module.js';
import { OrthancModule } from '../orthanc/orthanc.module.js';
import { BulkValues } from './bulk.values.js';
import { CapabilitiesController } from './capabilities.controller.js';
import { DeleteController } from './delete.controller.js';
import { Frames } from './frames.service.js';
import { FurtherAttributes } from './further.attributes.js';
import { InstanceMetadata } from './instance.metadata.js';
import { Metadata } from './metadata.service.js';
import { Pictures } from './pictures.service.js';
import { QidoController } from './qido.controller.js';
import { RenderedReplies } from './rendered.replies.js';
import { Retrieval } from './retrieval.service.js';
import { Stow } from './stow.service.js';
import { StoredFrames } from './stored.frames.js';
import { StowController } from './stow.controller.js';
import { WadoController } from './wado.controller.js';
import { WadoRenderedController } from './wado.rendered.controller.js';
import { WadoUriController } from './wado-uri.controller.js';

/** The words of PS3.18. */
@Module({
  imports: [AuditModule, AuthzModule, CatalogModule, OrthancModule],
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
    FurtherAttributes,
    Frames,
    Pictures,
    RenderedReplies,
    StoredFrames,
    Stow,
  ],
})
export class DicomwebModule {}
