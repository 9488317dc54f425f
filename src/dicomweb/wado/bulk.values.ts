import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { FoundInstance } from '../../catalog/lookup.service.js';
import { OrthancBytes } from '../../orthanc/orthanc.bytes.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { NotVisible, UpstreamFailed } from '../../problems/errors.js';
import { noteHandled } from '../../problems/handled.errors.js';
import { archivePath } from './archive.metadata.js';
import type { ByteRange } from '../http/byte.range.js';
import { filePart } from './file.part.js';
import { StoredBytes } from './stored.bytes.js';
import { openFile } from '../../dicom/data.set.bytes.js';
import { documentOf, ENCAPSULATED_DOCUMENT } from '../../dicom/json/encapsulated.documents.js';
import { DicomUnreadable } from '../../dicom/dicom.unreadable.js';
import { implicitRepresentations } from '../../dicom/implicit.representations.js';
import { InstanceMetadata } from './instance.metadata.js';
import { type OutgoingMultipart, writeMultipart } from '../http/multipart.writer.js';
import { metered } from '../http/metering.js';
import { type Opened, Retrieval } from './retrieval.service.js';
import { findValue, type FoundValue } from '../../dicom/value.finder.js';

/** A value to read: its address below `bulk/`, the media type it is sent as, and how many of its bytes that is. */
export interface BulkWish {
  readonly path: string;
  readonly type: string;
  readonly length?: number | undefined;
}

/** Values of single elements, read from the stored file as metadata refers to them (PS3.18 §10.4.1.1.5). */
@Injectable()
export class BulkValues {
  constructor(
    private readonly retrieval: Retrieval,
    private readonly bytes: OrthancBytes,
    private readonly metadata: InstanceMetadata,
  ) {}

  /** The document at this address as its own media type, without padding; `undefined` where the value is no document. */
  async documentAt(study: string, instance: FoundInstance, path: string): Promise<BulkWish | undefined> {
    if (path !== ENCAPSULATED_DOCUMENT) return undefined;
    const document = documentOf(
      instance.sopClassUid,
      await this.metadata.dataSetOf(study, instance, await this.metadata.filesOf([instance])),
    );
    return document === undefined ? undefined : { path, ...document };
  }

  /** The value as one body; throws `NotVisible` where there is none. */
  async one(opened: Opened, wish: BulkWish): Promise<ArchiveBytes> {
    const [instance] = opened.instances;
    const bytes = await this.retrieval.fromArchive(instance, () => this.read(instance, wish));
    return metered(bytes, {}, opened.offered);
  }

  /** The same as the one part of a multipart body. */
  inParts(opened: Opened, wish: BulkWish): Promise<OutgoingMultipart> {
    const location = `${this.retrieval.urlOf(opened, opened.instances[0])}/bulk/${wish.path}`;
    const open = () => this.one(opened, wish);
    return writeMultipart(wish.type, [{ type: wish.type, location, ahead: false, open }]);
  }

  /** Out of the file; where its header cannot be read, what the archive reads of it. */
  private async read(instance: FoundInstance, { path, length }: BulkWish): Promise<ArchiveBytes> {
    try {
      const { close, ...value } = await this.fromFile(instance, path);
      return ofLength(value, length, close);
    } catch (error) {
      if (!(error instanceof DicomUnreadable)) throw error;
      noteHandled('unreadable header', error);
      const { orthancId, reader } = instance;
      const { stream, length: whole } = await this.bytes.element(orthancId, archivePath(path), reader);
      return ofLength({ length: whole, pieces: buffersOf(stream) }, length, () => stream.destroy());
    }
  }

  private async fromFile(instance: FoundInstance, path: string): Promise<FoundValue & { close: () => void }> {
    const ask = (range: ByteRange) => filePart(this.bytes, instance, range);
    const file = await openFile(new StoredBytes(ask, instance.size));
    try {
      const value = await findValue(file, stepsOf(path), await implicitRepresentations());
      if (value === undefined) throw new NotVisible();
      return { ...value, close: file.close };
    } catch (error) {
      file.close();
      throw error;
    }
  }
}

/** Without its padding, where `length` leaves that out. */
function ofLength(value: FoundValue, length: number | undefined, close: () => void): ArchiveBytes {
  // Padding is one byte at most.
  const isPadded = value.length !== undefined && length === value.length - 1;
  const wanted = isPadded ? length : value.length;
  const stream = Readable.from(cut(value, wanted), { objectMode: false });
  stream.once('close', close);
  return { length: wanted, stream };
}

/** Tags as numbers, and item numbers from 1. */
function stepsOf(path: string): number[] {
  return path.split('/').map((step, index) => Number.parseInt(step, index % 2 === 0 ? 16 : 10));
}

async function* cut({ pieces }: FoundValue, length: number | undefined): AsyncGenerator<Buffer> {
  let left = length ?? Infinity;
  for await (const piece of pieces) {
    yield piece.length <= left ? piece : piece.subarray(0, left);
    left -= piece.length;
  }
}

async function* buffersOf(stream: Readable): AsyncGenerator<Buffer> {
  for await (const piece of stream) {
    if (!Buffer.isBuffer(piece)) throw new UpstreamFailed('value of an instance');
    yield piece;
  }
}
