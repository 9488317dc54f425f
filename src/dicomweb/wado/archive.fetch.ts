import { Injectable } from '@nestjs/common';
import type { FoundInstance } from '../../catalog/lookup.service.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { NotInArchive } from '../../orthanc/orthanc.errors.js';
import { NotVisible } from '../../problems/errors.js';
import { DeletionSync } from '../../sync/deletion.sync.service.js';

/** Runs calls that fetch bytes of an instance, and converts their errors to errors of a retrieve request. */
@Injectable()
export class ArchiveFetch {
  constructor(private readonly deletions: DeletionSync) {}

  /** Fetches stored bytes. If the archive no longer has the instance, removes the instance from the catalog and throws `NotVisible`. */
  async stored<Bytes extends ArchiveBytes>(
    instance: FoundInstance,
    call: () => Promise<Bytes>,
  ): Promise<Bytes> {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof NotInArchive)) throw error;
      await this.deletions.recheck(instance.orthancId);
      throw new NotVisible();
    }
  }
}
