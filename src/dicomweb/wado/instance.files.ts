import { Injectable } from '@nestjs/common';
import type { FoundInstance } from '../../catalog/lookup.service.js';
import { DicomUnreadable } from '../../dicom/dicom.unreadable.js';
import type { Uncompressed } from '../../dicom/transfer.syntaxes.js';
import { OrthancBytes } from '../../orthanc/orthanc.bytes.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { NeighbourAway, NotAcceptable, Problem } from '../../problems/errors.js';
import { ArchiveFetch } from './archive.fetch.js';
import { recodedFile } from './uncompressed.file.js';

const UNDECODABLE = 'The pixels of this instance cannot be decoded. Ask for it as stored: transfer-syntax=*.';

/** Fetches the DICOM files (PS3.10) of instances, as stored or in another uncompressed transfer syntax. */
@Injectable()
export class InstanceFiles {
  constructor(
    private readonly bytes: OrthancBytes,
    private readonly fetch: ArchiveFetch,
  ) {}

  /** The file as it is stored. */
  stored(instance: FoundInstance): Promise<ArchiveBytes> {
    return this.fetch.stored(instance, () =>
      this.bytes.instanceFile(instance.orthancId, instance.size, instance),
    );
  }

  /**
   * An uncompressed file in the uncompressed transfer syntax `into`. All values are copied as they are stored. Throws `NotAcceptable`.
   */
  async uncompressed(instance: FoundInstance, into: Uncompressed): Promise<ArchiveBytes> {
    try {
      return await recodedFile(await this.stored(instance), into);
    } catch (error) {
      if (error instanceof DicomUnreadable) throw new NotAcceptable('not-decodable', UNDECODABLE);
      // Any other error means that the transfer from the archive was interrupted.
      throw error instanceof Problem ? error : new NeighbourAway('orthanc', { cause: error });
    }
  }
}
