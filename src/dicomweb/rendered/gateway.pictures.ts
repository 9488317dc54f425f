import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { FoundInstance } from '../../catalog/lookup.service.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { CoalescedWork } from '../../pixels/coalesced.work.js';
import { encodePicture, type PictureForm } from '../../pixels/picture.encoder.js';
import { NotAcceptable } from '../../problems/errors.js';
import { type FrameLook, FrameTasks } from '../pixels/frame.tasks.js';
import { contentKey } from '../pixels/image.headers.js';
import { RecentBytes } from '../wado/recent.bytes.js';

/** Size of the cache of pictures in bytes. Thumbnails and repeated frames come from it. */
const CACHE_BYTES = 16 * 1024 * 1024;

/** A picture to make: its encoding, and what the client asks to see. */
export type PictureRequest = PictureForm & FrameLook;

/** Why a picture of a region is not available. */
export const OUTSIDE =
  'The region of the viewport is outside of the image. Use a region that begins left of its right edge and above its bottom edge.';

/** Makes pictures of frames in the gateway (PS3.18 §8.3.5, PS3.4 §N.2). */
@Injectable()
export class GatewayPictures {
  private readonly equal = new CoalescedWork<Buffer>();
  private readonly recent = new RecentBytes(CACHE_BYTES);

  constructor(private readonly tasks: FrameTasks) {}

  /** Renders a frame (counted from 1). Throws `NotAcceptable` when the frame cannot be rendered, and `TooMany` when too many wait. */
  async one(instance: FoundInstance, frame: number, request: PictureRequest): Promise<ArchiveBytes> {
    const key = `${contentKey(instance)} ${frame} ${JSON.stringify(request)}`;
    const { type, quality, ...look } = request;
    const make = (signal: AbortSignal) =>
      this.tasks.rendered({ ...instance, signal }, frame, look, async (rendered, { geometry, ...extras }) => {
        if (geometry === undefined) throw new NotAcceptable('not-acceptable', OUTSIDE);
        return encodePicture(rendered, geometry, { type, quality }, extras);
      });
    const picture = this.recent.get(key) ?? (await this.equal.run(key, make, instance.signal));
    this.recent.set(key, picture);
    return { length: picture.length, stream: Readable.from([picture], { objectMode: false }) };
  }
}
