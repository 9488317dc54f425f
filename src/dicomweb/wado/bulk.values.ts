import { Readable } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import type { FoundInstance } from '../../catalog/lookup.service.js';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
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
import { instanceUrl } from '../http/resource.urls.js';
import { ArchiveFetch } from './archive.fetch.js';
import type { RecordedRead } from './read.access.js';
import { findValue, type FoundValue } from '../../dicom/value.finder.js';

/**
 * A value to read. `path`: its path below `bulk/`. `type`: its media type. `length`: the number of bytes without padding, for a
 * document whose length is known. The padding is then not sent.
 */
export interface BulkValue {
  readonly path: string;
  readonly type: string;
  readonly length?: number | undefined;
}

/** A document to read. */
interface BulkDocument extends BulkValue {
  readonly isEmpty: boolean;
}

/** Fetches the values of single elements from the stored file (PS3.18 §10.4.1.1.5). */
@Injectable()
export class BulkValues {
  constructor(
    @Inject(ENV) private readonly env: Env,
    private readonly bytes: OrthancBytes,
    private readonly fetch: ArchiveFetch,
    private readonly metadata: InstanceMetadata,
  ) {}

  /**
   * Describes the document at this path, with its own media type and its length without padding. `undefined` when the value is not a
   * document.
   */
  async documentAt(study: string, instance: FoundInstance, path: string): Promise<BulkDocument | undefined> {
    if (path !== ENCAPSULATED_DOCUMENT) return undefined;
    const document = documentOf(
      instance.sopClassUid,
      await this.metadata.dataSetOf(study, instance, await this.metadata.filesOf([instance])),
    );
    return document === undefined ? undefined : { path, ...document };
  }

  /** Returns the value as one body. Throws `NotVisible` when the value does not exist. */
  async one(read: RecordedRead, asked: BulkValue): Promise<ArchiveBytes> {
    const [instance] = read.instances;
    const bytes = await this.fetch.stored(instance, () => this.read(instance, asked));
    return metered(bytes, {}, read.offered);
  }

  /** Returns the value as a multipart body with one part. */
  inParts(read: RecordedRead, asked: BulkValue): Promise<OutgoingMultipart> {
    const location = `${instanceUrl(this.env.PUBLIC_URL, read.studyUid, read.instances[0])}/bulk/${asked.path}`;
    const open = () => this.one(read, asked);
    return writeMultipart(asked.type, [{ type: asked.type, location, ahead: false, open }]);
  }

  /** Reads the value from the file. If the gateway cannot parse the file, the archive reads the value. */
  private async read(instance: FoundInstance, { path, length }: BulkValue): Promise<ArchiveBytes> {
    try {
      const { close, ...value } = await this.valueInFile(instance, path);
      return ofLength(value, length, close);
    } catch (error) {
      if (!(error instanceof DicomUnreadable)) throw error;
      noteHandled('unreadable header', error);
      const { orthancId, reader } = instance;
      const { stream, length: whole } = await this.bytes.element(orthancId, archivePath(path), reader);
      return ofLength({ length: whole, pieces: buffersOf(stream) }, length, () => stream.destroy());
    }
  }

  private async valueInFile(
    instance: FoundInstance,
    path: string,
  ): Promise<FoundValue & { close: () => void }> {
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

/** Returns the value as a stream. If `length` is one byte less than the value, the padding byte is left out. */
function ofLength(value: FoundValue, length: number | undefined, close: () => void): ArchiveBytes {
  const isPadded = value.length !== undefined && length === value.length - 1;
  const size = isPadded ? length : value.length;
  const stream = Readable.from(limited(value, size), { objectMode: false });
  stream.once('close', close);
  return { length: size, stream };
}

/** Converts a path to numbers: tags, and item numbers from 1. */
function stepsOf(path: string): number[] {
  return path.split('/').map((step, index) => Number.parseInt(step, index % 2 === 0 ? 16 : 10));
}

async function* limited({ pieces }: FoundValue, length: number | undefined): AsyncGenerator<Buffer> {
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
