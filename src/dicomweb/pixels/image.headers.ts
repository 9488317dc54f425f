import { Injectable } from '@nestjs/common';
import type { FoundInstance } from '../../catalog/lookup.service.js';
import { DicomUnreadable } from '../../dicom/dicom.unreadable.js';
import type { Selection } from '../../dicom/selected.reader.js';
import type { SelectedValues } from '../../dicom/selected.values.js';
import { Slots } from '../../limits/slots.js';
import { OrthancBytes } from '../../orthanc/orthanc.bytes.js';
import { type ImageHeader, readElements, readImageHeader } from '../../pixels/image.header.js';
import { PixelsRefused } from '../../pixels/pixels.refused.js';
import type { ByteRange } from '../http/byte.range.js';
import { ArchiveFetch } from '../wado/archive.fetch.js';
import { filePart } from '../wado/file.part.js';
import { StoredBytes } from '../wado/stored.bytes.js';
import { RecentWork } from './recent.work.js';

/** Largest number of headers in the cache, and largest total weight of these headers in bytes. */
const MAX_HEADERS = 1000;
const MAX_FURTHER = 64;
const MAX_WEIGHT = 16 * 1024 * 1024;
/** Largest number of headers that are read at the same time, in total and for one account. */
const MAX_READS = 16;
const MAX_READS_PER_ACCOUNT = 8;

/** Reads the headers of images from their stored files. A file with an unusable header is not read again. */
@Injectable()
export class ImageHeaders {
  /** The key identifies the stored content. */
  private readonly recent = new RecentWork<ImageHeader>({
    most: MAX_HEADERS,
    mostWeight: MAX_WEIGHT,
    isFinal: isUnusable,
  });
  /** Elements that only some requests need. The frames of an animation need the same ones. */
  private readonly further = new RecentWork<Pick<ImageHeader, 'values' | 'weight'>>({
    most: MAX_FURTHER,
    mostWeight: MAX_WEIGHT,
    isFinal: isUnusable,
  });
  private readonly slots = new Slots({ places: MAX_READS, perAccount: MAX_READS_PER_ACCOUNT });

  constructor(
    private readonly bytes: OrthancBytes,
    private readonly fetch: ArchiveFetch,
  ) {}

  /** Throws `DicomUnreadable` or `PixelsRefused` when the file or its header is unusable, and `NotVisible` when the file is gone. */
  of(instance: FoundInstance): Promise<ImageHeader> {
    return this.recent.run(contentKey(instance), () => this.read(instance));
  }

  /** Reads further elements of a file. `kind`: a name of the selection. Throws the same errors as {@link of}. */
  async elements(instance: FoundInstance, kind: string, selection: Selection): Promise<SelectedValues> {
    const read = () => {
      const work = () => readElements(this.sourceOf({ ...instance, signal: undefined }), selection);
      return this.slots.run(work, undefined, instance.reader);
    };
    return (await this.further.run(`${contentKey(instance)} ${kind}`, read)).values;
  }

  private sourceOf(instance: FoundInstance): StoredBytes {
    const ask = (range: ByteRange) =>
      this.fetch.stored(instance, () => filePart(this.bytes, instance, range));
    return new StoredBytes(ask, instance.size);
  }

  private read(instance: FoundInstance): Promise<ImageHeader> {
    const work = async () => {
      // The signal is left out, because other requests can wait for the same header.
      const source = this.sourceOf({ ...instance, signal: undefined });
      const header = await readImageHeader(source);
      const { at, length, isDeflated, isEncapsulated } = header.place;
      const rest = (source.length ?? 0) - at;
      // The end of encapsulated pixel data is found when its fragments are read.
      if (isEncapsulated) return { ...header, place: { ...header.place, length: rest } };
      if (!isDeflated && length > rest) throw new PixelsRefused('the file ends inside its pixel data');
      return header;
    };
    return this.slots.run(work, undefined, instance.reader);
  }
}

/** A text that identifies the stored content of an instance. */
export function contentKey({ orthancId, storedAt }: FoundInstance): string {
  return `${orthancId} ${storedAt.getTime()}`;
}

/** Whether this error is a fault of the file, so that another try gives the same result. */
export function isUnusable(error: unknown): error is DicomUnreadable | PixelsRefused {
  return error instanceof DicomUnreadable || error instanceof PixelsRefused;
}
