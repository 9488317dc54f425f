import { Injectable } from '@nestjs/common';
import type { FoundInstance } from '../catalog/lookup.service.js';
import { OrthancBytes } from '../orthanc/orthanc.bytes.js';
import { UpstreamFailed } from '../problems/errors.js';
import { metadataOfFile } from './file.metadata.js';
import { DicomUnreadable } from './header.unreadable.js';

/**
 * Metadata by the archive's own id. The archive gives its own by UIDs alone, and none while two patients share them: a contested
 * study is served from its first holder this way (design.md, decision 12).
 */
@Injectable()
export class InstanceMetadata {
  constructor(private readonly bytes: OrthancBytes) {}

  /** The instance's DICOM JSON as text, its binary values as references `/bulk/<path>`; `NotInArchive` when it is gone. */
  async of({ orthancId, size, reader }: FoundInstance): Promise<string> {
    const { stream } = await this.bytes.instanceFile(orthancId, size, reader);
    try {
      return JSON.stringify(await metadataOfFile(stream));
    } catch (error) {
      if (error instanceof DicomUnreadable) throw new UpstreamFailed('reading the metadata of an instance');
      throw error;
    } finally {
      // All but the header is left where it is.
      stream.on('error', () => undefined).destroy();
    }
  }
}
