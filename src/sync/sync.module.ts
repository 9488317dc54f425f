import { Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/catalog.module.js';
import { OrthancModule } from '../orthanc/orthanc.module.js';
import { Ingest } from './ingest.service.js';
import { DeferredInstances } from './deferred.instances.js';
import { DeletionSync } from './deletion.sync.service.js';
import { Feed } from './feed.service.js';
import { ArchiveDiff } from './archive.diff.service.js';
import { BatchIngest } from './batch.ingest.service.js';
import { InstanceReader } from './instance.reader.service.js';
import { QuarantineDecisions } from './quarantine.decisions.js';
import { DecisionRecords } from './quarantine.records.js';
import { HeldUploads } from './held.uploads.js';
import { QuarantineList } from './quarantine.list.js';
import { QuarantineSides } from './quarantine.sides.js';
import { Quarantine } from './quarantine.service.js';
import { Rebuilds } from './rebuilds.service.js';
import { Sweep } from './sweep.service.js';
import { Totals } from './totals.service.js';
import { Watcher } from './watcher.service.js';

/** The module that keeps the catalog equal to the archive. */
@Module({
  imports: [CatalogModule, OrthancModule],
  providers: [
    Ingest,
    BatchIngest,
    DeferredInstances,
    DeletionSync,
    Feed,
    ArchiveDiff,
    InstanceReader,
    Sweep,
    Totals,
    Quarantine,
    HeldUploads,
    QuarantineList,
    QuarantineSides,
    QuarantineDecisions,
    DecisionRecords,
    Rebuilds,
    Watcher,
  ],
  exports: [
    HeldUploads,
    Ingest,
    DeletionSync,
    QuarantineList,
    QuarantineSides,
    QuarantineDecisions,
    Rebuilds,
  ],
})
export class SyncModule {}
