import { Injectable } from '@nestjs/common';
import type { FoundInstance } from '../../catalog/lookup.service.js';
import { mayBeDecoded } from '../../dicom/decoder.safety.js';
import { OrthancApi } from '../../orthanc/orthanc.api.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { NotInArchive } from '../../orthanc/orthanc.errors.js';
import { NotAcceptable, NotVisible, UpstreamFailed } from '../../problems/errors.js';
import { DeletionSync } from '../../sync/deletion.sync.service.js';

/** Maximum number of cached decodability results. */
const MAX_CACHED = 10_000;

/** Runs calls that fetch bytes of an instance, and turns their failures into the refusals of a retrieve. */
@Injectable()
export class ArchiveFetch {
  /** By stored content, the oldest entry first. */
  private readonly decodable = new Map<string, boolean>();

  constructor(
    private readonly api: OrthancApi,
    private readonly deletions: DeletionSync,
  ) {}

  /** Fetches stored bytes. An instance that the archive no longer has is removed from the catalog: throws `NotVisible`. */
  async stored(instance: FoundInstance, call: () => Promise<ArchiveBytes>): Promise<ArchiveBytes> {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof NotInArchive)) throw error;
      await this.deletions.recheck(instance.orthancId);
      throw new NotVisible();
    }
  }

  /**
   * Fetches bytes that the archive has to compute. Throws `NotAcceptable` with `refusal` when the archive fails to, or would crash;
   * `NotVisible` when the instance was deleted. The archive answers a deleted instance as it answers one that it cannot decode.
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

  /** Reads the header from the archive once per stored content, not once per frame. */
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
