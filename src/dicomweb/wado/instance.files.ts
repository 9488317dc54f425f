import { Injectable } from '@nestjs/common';
import type { FoundInstance } from '../../catalog/lookup.service.js';
import { DicomUnreadable } from '../../dicom/dicom.unreadable.js';
import { comesAsLittleEndian, type Uncompressed } from '../../dicom/transfer.syntaxes.js';
import { Slots } from '../../limits/slots.js';
import { OrthancBytes } from '../../orthanc/orthanc.bytes.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { NeighbourAway, NotAcceptable, Problem } from '../../problems/errors.js';
import { ArchiveFetch } from './archive.fetch.js';
import { compressedHeader, recodedFile, withDecodedPixels } from './uncompressed.file.js';

/** Largest number of headers of compressed files in memory at the same time, in total and for one account. */
const MAX_HEADERS = 8;
const MAX_HEADERS_PER_ACCOUNT = 4;
const UNDECODABLE = 'The pixels of this instance cannot be decoded. Ask for it as stored: transfer-syntax=*.';

/** Fetches the DICOM files (PS3.10) of instances, as stored or decoded. */
@Injectable()
export class InstanceFiles {
  private readonly headers = new Slots({ places: MAX_HEADERS, perAccount: MAX_HEADERS_PER_ACCOUNT });

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
   * The file in the uncompressed transfer syntax `into`. All values except the pixels are copied as they are stored. Throws
   * `NotAcceptable`.
   */
  async uncompressed(instance: FoundInstance, into: Uncompressed): Promise<ArchiveBytes> {
    try {
      if (comesAsLittleEndian(instance.transferSyntax))
        return await recodedFile(await this.stored(instance), into);
      return await this.decompressed(instance, into);
    } catch (error) {
      if (error instanceof DicomUnreadable) throw new NotAcceptable('not-decodable', UNDECODABLE);
      // Any other error means that the transfer from the archive was interrupted.
      throw error instanceof Problem ? error : new NeighbourAway('orthanc', { cause: error });
    }
  }

  /** The file that the archive decodes to Explicit VR Little Endian. Only the pixels of this file are reliable. Throws `NotAcceptable`. */
  decoded(instance: FoundInstance): Promise<ArchiveBytes> {
    const call = () => this.bytes.decodedFile(instance.orthancId, instance);
    return this.fetch.computed(instance, UNDECODABLE, call);
  }

  /**
   * Combines the stored header with decoded pixels. Slots limit the number of concurrent calls, because each header is in memory until the
   * decoded pixels arrive.
   */
  private decompressed(instance: FoundInstance, into: Uncompressed): Promise<ArchiveBytes> {
    const work = async () => {
      const header = await compressedHeader(await this.stored(instance), into);
      return withDecodedPixels(header, await this.decoded(instance), instance.frames);
    };
    return this.headers.run(work, instance.signal, instance.reader);
  }
}
