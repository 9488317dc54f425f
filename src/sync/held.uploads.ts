import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { InstanceFacts } from '../catalog/instance.facts.js';
import { OrthancBytes } from '../orthanc/orthanc.bytes.js';
import { orthancIdOf } from '../orthanc/orthanc.id.js';
import { Conflict } from '../problems/errors.js';
import { Quarantine } from './quarantine.service.js';

/** Puts uploaded instances into quarantine. */
@Injectable()
export class HeldUploads {
  constructor(
    private readonly quarantine: Quarantine,
    private readonly bytes: OrthancBytes,
  ) {}

  /**
   * Stores an instance in the archive so that nobody sees it until an operator decides. The row of the quarantine is committed before the
   * archive gets the instance, so the watcher never adds the instance to the catalog. A repeat after a crash has the same result. Throws
   * `Conflict` if the catalog already has the instance.
   */
  async hold(facts: InstanceFacts, file: Readable): Promise<void> {
    const id = orthancIdOf(facts.patientId, facts.studyUid, facts.seriesUid, facts.sopUid);
    const study = orthancIdOf(facts.patientId, facts.studyUid);
    await this.quarantine.add({ id, study, facts }, 'other-patient');
    if ((await this.quarantine.reasonOf(id)) === undefined)
      throw new Conflict(
        'upload-refused',
        'The archive already has this instance, for another patient or study.',
      );
    // A stream that is already buffered whole would tell Orthanc its length, and Orthanc would allocate memory for it.
    await this.bytes.storeInstance(Readable.from(file, { objectMode: false }));
  }
}
