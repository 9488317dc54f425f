import { Module } from '@nestjs/common';
import { OrthancModule } from '../orthanc/orthanc.module.js';
import { Arrivals } from './arrivals.service.js';
import { Depositors } from './depositors.service.js';
import { Departures } from './departures.service.js';
import { Examples } from './examples.service.js';
import { Feed } from './feed.service.js';
import { Holdings } from './holdings.service.js';
import { Lookup } from './lookup.service.js';
import { Newcomers } from './newcomers.service.js';
import { Originals } from './originals.service.js';
import { QuarantineDecisions } from './quarantine.decisions.js';
import { DecisionRecords } from './quarantine.records.js';
import { QuarantineList } from './quarantine.list.js';
import { Quarantine } from './quarantine.service.js';
import { Readable } from './readable.service.js';
import { Rebuilds } from './rebuilds.service.js';
import { Reservations } from './reservations.service.js';
import { Searches } from './search.service.js';
import { Stats } from './stats.service.js';
import { Sweep } from './sweep.service.js';
import { Totals } from './totals.service.js';
import { Watcher } from './watcher.service.js';

/** WHAT IS THERE. */
@Module({
  imports: [OrthancModule],
  providers: [
    Lookup,
    Examples,
    Searches,
    Reservations,
    Arrivals,
    Newcomers,
    Depositors,
    Departures,
    Feed,
    Holdings,
    Originals,
    Sweep,
    Totals,
    Quarantine,
    QuarantineList,
    QuarantineDecisions,
    DecisionRecords,
    Readable,
    Rebuilds,
    Stats,
    Watcher,
  ],
  exports: [
    Lookup,
    Examples,
    Searches,
    Reservations,
    Arrivals,
    Departures,
    QuarantineList,
    QuarantineDecisions,
    Readable,
    Rebuilds,
    Stats,
  ],
})
export class CatalogModule {}
