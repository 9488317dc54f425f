import { Module } from '@nestjs/common';
import { OrthancModule } from '../orthanc/orthanc.module.js';
import { Arrivals } from './arrivals.service.js';
import { Departures } from './departures.service.js';
import { Lookup } from './lookup.service.js';
import { Reservations } from './reservations.service.js';
import { Searches } from './search.service.js';
import { Watcher } from './watcher.service.js';

/** WHAT IS THERE. */
@Module({
  imports: [OrthancModule],
  providers: [Lookup, Searches, Reservations, Arrivals, Departures, Watcher],
  exports: [Lookup, Searches, Reservations, Arrivals, Departures],
})
export class CatalogModule {}
