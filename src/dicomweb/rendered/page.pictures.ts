import { Readable } from 'node:stream';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { FoundInstance } from '../../catalog/lookup.service.js';
import { Slots } from '../../limits/slots.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { PageWorkers } from '../../pixels/pages/page.workers.js';
import { encodePicture, type PictureForm } from '../../pixels/picture.encoder.js';
import { PixelsRefused } from '../../pixels/pixels.refused.js';
import { pictureGeometry, type PictureSize, type Viewport } from '../../pixels/viewport.js';
import { NotAcceptable, UpstreamFailed } from '../../problems/errors.js';
import { contentKey } from '../pixels/image.headers.js';
import type { RecordedRead } from '../wado/read.access.js';
import { Documents } from './documents.service.js';
import { MAX_SIDE } from './rendered.query.js';

/** Largest document whose page is rendered, in bytes. One document is in memory at a time. */
const MAX_DOCUMENT = 64 * 1024 * 1024;
const QUEUE = 64;
/** Size of the picture when the client gives no size, in pixels. */
const DEFAULT_BOX: PictureSize = { width: 1024, height: 1024 };
const HINT = 'Ask for the document: application/pdf.';

/** Makes pictures of the first page of encapsulated PDF documents, for thumbnails. */
@Injectable()
export class PagePictures implements OnApplicationShutdown {
  private readonly workers = new PageWorkers();
  private readonly slots = new Slots({ places: 1, queue: QUEUE });

  constructor(private readonly documents: Documents) {}

  /** A picture of the first page. Throws `NotAcceptable` when the page cannot be rendered, and `TooMany` when too many wait. */
  one(
    read: RecordedRead,
    instance: FoundInstance,
    form: PictureForm,
    viewport?: Viewport,
  ): Promise<ArchiveBytes> {
    const make = async () => {
      const page = await this.workers.render(
        contentKey(instance),
        await this.document(read, instance),
        boxOf(viewport),
      );
      const geometry = pictureGeometry(page, 1, undefined);
      if (geometry === undefined) throw new PixelsRefused('its first page has no size');
      const picture = await encodePicture(page, geometry, form);
      return { length: picture.length, stream: Readable.from([picture], { objectMode: false }) };
    };
    return this.slots.run(make, instance.signal, instance.reader).catch((error: unknown) => {
      if (!(error instanceof PixelsRefused)) throw error;
      throw new NotAcceptable('not-decodable', `This cannot be rendered: ${error.message}. ${HINT}`);
    });
  }

  onApplicationShutdown(): Promise<void> {
    return this.workers.close();
  }

  private async document(read: RecordedRead, instance: FoundInstance): Promise<Uint8Array<ArrayBuffer>> {
    // The document is not sent, so it does not count as sent data.
    const unsent = { ...read, offered: () => undefined };
    const { stream } = await this.documents.one(unsent, instance, 'application/pdf');
    const pieces: Buffer[] = [];
    let size = 0;
    for await (const piece of stream) {
      if (!Buffer.isBuffer(piece)) throw new UpstreamFailed('transfer of a document');
      size += piece.length;
      if (size > MAX_DOCUMENT) throw new PixelsRefused('its document is too large');
      pieces.push(piece);
    }
    const whole = new Uint8Array(size);
    let at = 0;
    for (const piece of pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }
}

/** The size that the page fits into. A region does not apply, because a page has no pixels of its own. */
function boxOf({ width, height }: Viewport = {}): PictureSize {
  if (width === undefined && height === undefined) return DEFAULT_BOX;
  return { width: width ?? MAX_SIDE, height: height ?? MAX_SIDE };
}
