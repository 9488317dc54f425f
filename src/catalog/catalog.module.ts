import { Module } from '@nestjs/common';
import { OrthancModule } from '../orthanc/orthanc.module.js';
import { ArchiveState } from './archive.state.js';
import { BackgroundLookup } from './background.lookup.js';
import { Uploaders } from './uploaders.service.js';
import { RecentStudies } from './recent.studies.js';
import { RepresentativeInstances } from './representative.instances.js';
import { Lookup } from './lookup.service.js';
import { ReferenceAccess } from './reference.access.js';
import { Reservations } from './reservations.service.js';
import { Searches } from './search.service.js';
import { SeriesSizes } from './series.sizes.js';
import { StudyMonthCounts } from './study.months.js';
import { Stats } from './stats.service.js';

/** The catalog of studies, series and instances. */
@Module({
  imports: [OrthancModule],
  providers: [
    ArchiveState,
    BackgroundLookup,
    Lookup,
    RecentStudies,
    RepresentativeInstances,
    Searches,
    Reservations,
    Uploaders,
    ReferenceAccess,
    SeriesSizes,
    Stats,
    StudyMonthCounts,
  ],
  exports: [
    ArchiveState,
    BackgroundLookup,
    Lookup,
    RepresentativeInstances,
    Searches,
    Reservations,
    Uploaders,
    ReferenceAccess,
    SeriesSizes,
    Stats,
    StudyMonthCounts,
  ],
})
export class CatalogModule {}
