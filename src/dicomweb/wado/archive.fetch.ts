import { Injectable } from '@nestjs/common';
import type { FoundInstance } from '../../catalog/lookup.service.js';
import { mayBeDecoded } from '../../dicom/decoder.safety.js';
import { OrthancApi } from '../../orthanc/orthanc.api.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { NotInArchive } from '../../orthanc/orthanc.errors.js';
import { NotAcceptable, NotVisible, UpstreamFailed } from '../../problems/errors.js';
import { DeletionSync } from '../../sync/deletion.sync.service.js';

/** Largest number of instances for which the result of the decoder check is cached. */
const MAX_CACHED = 10_000;

/** Runs calls that fetch bytes of an instance, and converts their errors to errors of a retrieve request. */
@Injectable()
export class ArchiveFetch {
  /** Whether an instance can be decoded. The key identifies the stored content. The oldest entry is first. */
  private readonly decodable = new Map<string, boolean>();

  constructor(
    private readonly api: OrthancApi,
    private readonly deletions: DeletionSync,
  ) {}

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

  /**
   * Fetches bytes that the archive computes. Throws `NotAcceptable` with `refusal` when the archive cannot compute them or would crash.
   * Throws `NotVisible` when the instance was deleted. The archive gives the same answer for a deleted instance and for an instance that it
   * cannot decode. So this method looks up whether the instance still exists.
   */
  async computed(
    instance: FoundInstance,
    refusal: string,
    call: () => Promise<ArchiveBytes>,
  ): Promise<ArchiveBytes> {
    try {
      const isImage = instance.rows !== undefined && instance.bitsAllocated !== 1;
      if (isImage && !(await this.isDecodable(instance))) throw new NotAcceptable('not-decodable', refusal);
      return await call();
    } catch (error) {
      if (!(error instanceof UpstreamFailed)) throw error;
      if (error instanceof NotInArchive && !(await this.deletions.recheck(instance.orthancId)))
        throw new NotVisible();
      throw new NotAcceptable('not-decodable', refusal);
    }
  }

  /** Reads the header from the archive only once for each stored content, and not for each frame. */
  private async isDecodable({ orthancId, storedAt, sopClassUid }: FoundInstance): Promise<boolean> {
    const content = `${orthancId} ${storedAt.getTime()}`;
    const cached = this.decodable.get(content);
    if (cached !== undefined) return cached;
    const decodable = mayBeDecoded(sopClassUid, await this.api.instanceTags(orthancId));
    this.decodable.set(content, decodable);
    const [oldest] = this.decodable.keys();
    if (this.decodable.size > MAX_CACHED && oldest !== undefined) this.decodable.delete(oldest);
    return decodable;
  }
}
