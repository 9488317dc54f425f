import { Readable } from 'node:stream';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { FoundInstance } from '../../catalog/lookup.service.js';
import { Slots } from '../../limits/slots.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { CoalescedWork } from '../../pixels/coalesced.work.js';
import { FrameWorkers, PIXEL_WORKERS } from '../../pixels/frame.workers.js';
import { frameBytesOf, type ImageHeader } from '../../pixels/image.header.js';
import { encodePicture, type PictureForm } from '../../pixels/picture.encoder.js';
import { PixelsRefused } from '../../pixels/pixels.refused.js';
import { presentationOf } from '../../pixels/presentation.js';
import type { VoiWindow } from '../../pixels/voi.functions.js';
import { NotAcceptable } from '../../problems/errors.js';
import { RecentBytes } from '../wado/recent.bytes.js';
import { contentKey, ImageHeaders, isUnusable } from './image.headers.js';
import { NativeFrameBytes } from './native.frame.bytes.js';

/** Largest number of frames that are fetched and rendered at the same time, in total and for one account, and that wait. */
const PLACES = PIXEL_WORKERS * 2;
const PLACES_PER_ACCOUNT = Math.max(1, PLACES - 1);
const QUEUE = 256;
/** Frames above this size are rendered one at a time. */
const LARGE_BYTES = 64 * 1024 * 1024;
/** Size of the cache of pictures in bytes. Thumbnails and repeated frames come from it. */
const CACHE_BYTES = 16 * 1024 * 1024;

/** A picture to make: its encoding, and the window that the client asks for. */
export interface PictureRequest extends PictureForm {
  readonly window?: VoiWindow | undefined;
}

/** Renders frames of uncompressed images in the gateway (PS3.18 §8.3.5, PS3.4 §N.2). The header is checked before pixels are read. */
@Injectable()
export class NativePictures implements OnApplicationShutdown {
  private readonly workers = new FrameWorkers();
  private readonly equal = new CoalescedWork<Buffer>();
  private readonly recent = new RecentBytes(CACHE_BYTES);
  private readonly places = new Slots({ places: PLACES, perAccount: PLACES_PER_ACCOUNT, queue: QUEUE });
  private readonly large = new Slots({ places: 1, queue: QUEUE });

  constructor(
    private readonly headers: ImageHeaders,
    private readonly bytes: NativeFrameBytes,
  ) {}

  /** Renders a frame (counted from 1). Throws `NotAcceptable` when the frame cannot be rendered, and `TooMany` when too many wait. */
  async one(instance: FoundInstance, frame: number, request: PictureRequest): Promise<ArchiveBytes> {
    const key = `${contentKey(instance)} ${frame} ${JSON.stringify(request)}`;
    const picture =
      this.recent.get(key) ??
      (await this.equal.run(
        key,
        (signal) => this.make({ ...instance, signal }, frame, request),
        instance.signal,
      ));
    this.recent.set(key, picture);
    return { length: picture.length, stream: Readable.from([picture], { objectMode: false }) };
  }

  onApplicationShutdown(): Promise<void> {
    return this.workers.close();
  }

  private async make(instance: FoundInstance, frame: number, request: PictureRequest): Promise<Buffer> {
    try {
      const header = await this.headers.of(instance);
      const place = () =>
        this.places.run(
          () => this.render(instance, header, frame, request),
          instance.signal,
          instance.reader,
        );
      const isLarge = frameBytesOf(header, frame).length > LARGE_BYTES;
      return await (isLarge ? this.large.run(place, instance.signal, instance.reader) : place());
    } catch (error) {
      if (!isUnusable(error)) throw error;
      const reason = error instanceof PixelsRefused ? error.message : 'its file is malformed';
      throw new NotAcceptable(
        'not-decodable',
        `This cannot be rendered: ${reason}. Ask for it as application/dicom.`,
      );
    }
  }

  private async render(
    instance: FoundInstance,
    header: ImageHeader,
    frame: number,
    { window, ...form }: PictureRequest,
  ): Promise<Buffer> {
    const { format, values } = header;
    const place = frameBytesOf(header, frame);
    const presentation = presentationOf(values, format, frame, window);
    const bytes = await this.bytes.read(instance, header, place);
    const task = { format, presentation, bytes, firstBit: place.firstBit };
    const rendered = await this.workers.render(`${contentKey(instance)} ${frame}`, task);
    instance.signal?.throwIfAborted();
    return encodePicture(rendered, form);
  }
}
