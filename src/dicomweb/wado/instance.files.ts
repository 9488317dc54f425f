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

/** Headers of compressed files in memory at the same time, in all and for one account. */
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

  /** The file in another, uncompressed transfer syntax. All values except the pixels stay as stored. Throws `NotAcceptable`. */
  async uncompressed(instance: FoundInstance, into: Uncompressed): Promise<ArchiveBytes> {
    try {
      if (comesAsLittleEndian(instance.transferSyntax))
        return await recodedFile(await this.stored(instance), into);
      return await this.decompressed(instance, into);
    } catch (error) {
      if (error instanceof DicomUnreadable) throw new NotAcceptable('not-decodable', UNDECODABLE);
      // Another error is a transfer that broke before the answer began.
      throw error instanceof Problem ? error : new NeighbourAway('orthanc', { cause: error });
    }
  }

  /** The file as the archive decodes it into Explicit VR Little Endian. Only its pixels are reliable. Throws `NotAcceptable`. */
  decoded(instance: FoundInstance): Promise<ArchiveBytes> {
    const call = () => this.bytes.decodedFile(instance.orthancId, instance);
    return this.fetch.computed(instance, UNDECODABLE, call);
  }

  /** Limited in number, because the header stays in memory until the decoded pixels arrive. */
  private decompressed(instance: FoundInstance, into: Uncompressed): Promise<ArchiveBytes> {
    const work = async () => {
      const header = await compressedHeader(await this.stored(instance), into);
      return withDecodedPixels(header, await this.decoded(instance), instance.frames);
    };
    return this.headers.run(work, instance.signal, instance.reader);
  }
}
