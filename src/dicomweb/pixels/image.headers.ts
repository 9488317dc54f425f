import { Injectable } from '@nestjs/common';
import type { FoundInstance } from '../../catalog/lookup.service.js';
import { DicomUnreadable } from '../../dicom/dicom.unreadable.js';
import { Slots } from '../../limits/slots.js';
import { OrthancBytes } from '../../orthanc/orthanc.bytes.js';
import { type ImageHeader, readImageHeader } from '../../pixels/image.header.js';
import { PixelsRefused } from '../../pixels/pixels.refused.js';
import type { ByteRange } from '../http/byte.range.js';
import { ArchiveFetch } from '../wado/archive.fetch.js';
import { filePart } from '../wado/file.part.js';
import { StoredBytes } from '../wado/stored.bytes.js';

/** Largest number of headers in the cache, and largest total weight of these headers in bytes. */
const MAX_HEADERS = 1000;
const MAX_WEIGHT = 16 * 1024 * 1024;
/** Largest number of headers that are read at the same time, in total and for one account. */
const MAX_READS = 16;
const MAX_READS_PER_ACCOUNT = 8;

/** `weight`: estimated memory in bytes; 0 until the header is known. */
interface CachedHeader {
  weight: number;
  readonly header: Promise<ImageHeader>;
}

/** Reads the headers of images from their stored files. Files with unusable headers are remembered, too. */
@Injectable()
export class ImageHeaders {
  /** The key identifies the stored content. The least recently used entry is first. */
  private readonly cache = new Map<string, CachedHeader>();
  private readonly slots = new Slots({ places: MAX_READS, perAccount: MAX_READS_PER_ACCOUNT });

  constructor(
    private readonly bytes: OrthancBytes,
    private readonly fetch: ArchiveFetch,
  ) {}

  /** Throws `DicomUnreadable` or `PixelsRefused` when the file or its header is unusable, and `NotVisible` when the file is gone. */
  of(instance: FoundInstance): Promise<ImageHeader> {
    const key = contentKey(instance);
    const entry = this.cache.get(key) ?? { weight: 0, header: this.read(instance) };
    this.cache.delete(key);
    this.cache.set(key, entry);
    void this.updateWeight(key, entry);
    return entry.header;
  }

  /** Sets the weight of an entry. Removes an entry whose file could not be read. The caller of `of` gets the error. */
  private async updateWeight(key: string, entry: CachedHeader): Promise<void> {
    try {
      entry.weight = (await entry.header).weight;
      this.evictOldest();
    } catch (error) {
      if (!isUnusable(error)) this.cache.delete(key);
    }
  }

  private evictOldest(): void {
    let weight = [...this.cache.values()].reduce((sum, entry) => sum + entry.weight, 0);
    for (const [key, entry] of this.cache) {
      if (this.cache.size <= MAX_HEADERS && weight <= MAX_WEIGHT) return;
      this.cache.delete(key);
      weight -= entry.weight;
    }
  }

  private read(instance: FoundInstance): Promise<ImageHeader> {
    // The signal is left out, because other requests can wait for the same header.
    const unsigned = { ...instance, signal: undefined };
    const work = async () => {
      const ask = (range: ByteRange) =>
        this.fetch.stored(unsigned, () => filePart(this.bytes, unsigned, range));
      const source = new StoredBytes(ask, instance.size);
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
