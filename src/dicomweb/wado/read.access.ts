import { Injectable } from '@nestjs/common';
import { type Offered, type Reading, Readings } from '../../audit/readings.js';
import { type FoundInstances, Lookup, type ResourceUids } from '../../catalog/lookup.service.js';
import type { DicomwebRequest } from '../http/dicomweb.request.js';

/** Instances that the account may read. The read is already in the audit. `offered` adds sent data to the totals in the audit. */
export interface RecordedRead extends FoundInstances {
  readonly offered: (what: Offered) => void;
}

/** Finds instances that an account may read, and records the read before bytes are sent. */
@Injectable()
export class ReadAccess {
  constructor(
    private readonly lookup: Lookup,
    private readonly readings: Readings,
  ) {}

  /**
   * Returns all instances of the target. Throws `NotVisible` when the target is unknown or out of scope. When the client disconnects, reads
   * of these instances stop waiting for a slot.
   */
  find({ policy, signal, timing }: DicomwebRequest, target: ResourceUids): Promise<FoundInstances> {
    return timing.measure('catalog', () => this.lookup.findRecent(policy, 'studies:read', target, signal));
  }

  /**
   * Commits an audit row for the read. This must happen before the first byte is sent. Throws `NeighbourAway` when the row cannot be
   * written.
   */
  async record(
    { actor, recorded, timing }: DicomwebRequest,
    found: FoundInstances,
    action: Reading['action'],
  ): Promise<RecordedRead> {
    const { studyUid, patientIssuer, patientId } = found;
    const offered = await timing.measure('catalog', () =>
      this.readings.record(actor, { action, studyUid, patientIssuer, patientId }),
    );
    recorded({
      subject: `studies:read ${studyUid}`,
      mayContinue: (policy) => this.lookup.covers(policy, 'studies:read', studyUid),
    });
    return { ...found, offered };
  }
}
