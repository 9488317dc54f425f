import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { FoundInstance } from '../../catalog/lookup.service.js';
import { Slots } from '../../limits/slots.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { frameDelay } from '../../pixels/frame.delays.js';
import { encodeAnimation, type RawPicture, scaledPicture } from '../../pixels/picture.encoder.js';
import { NotAcceptable } from '../../problems/errors.js';
import { FrameTasks } from '../pixels/frame.tasks.js';
import { OUTSIDE } from './gateway.pictures.js';
import type { RenderedQuery } from './rendered.query.js';

/** Largest number of samples of all frames of an animation. They are in memory together while it is encoded. */
const MAX_SAMPLES = 64 * 1024 * 1024;
const QUEUE = 16;
const SIZES =
  'The presentation state shows the frames in different sizes, so they cannot be an animation. Use frameNumber, or image/jpeg.';
const TOO_LARGE =
  'The animation is too large. Use a smaller viewport, fewer frames, or multipart/related; type="image/jpeg".';

/** Makes animations of the frames of an instance (PS3.18 §8.7.4): GIF and WebP. One animation at a time is made. */
@Injectable()
export class Animations {
  private readonly slots = new Slots({ places: 1, queue: QUEUE });

  constructor(private readonly tasks: FrameTasks) {}

  /** Renders these frames (counted from 1). Throws `NotAcceptable` when a frame cannot be rendered or the animation is too large. */
  of(
    instance: FoundInstance,
    frames: readonly number[],
    type: 'image/gif' | 'image/webp',
    query: RenderedQuery,
  ): Promise<ArchiveBytes> {
    const make = async () => {
      const { values } = await this.tasks.header(instance);
      const pictures: RawPicture[] = [];
      let profile: Buffer | undefined;
      for (const frame of frames) {
        const made = await this.picture(instance, frame, frames.length, query);
        const [first = made.picture] = pictures;
        if (first.width !== made.picture.width || first.height !== made.picture.height)
          throw new NotAcceptable('not-acceptable', SIZES);
        pictures.push(made.picture);
        // All frames of an animation share a profile. A WebP can contain only one.
        profile ??= made.profile;
      }
      const delays = frames.map((frame) => frameDelay(values, frame));
      const animation = await encodeAnimation(pictures, delays, { type, quality: query.quality }, profile);
      return { length: animation.length, stream: Readable.from([animation], { objectMode: false }) };
    };
    return this.slots.run(make, instance.signal, instance.reader);
  }

  private picture(
    instance: FoundInstance,
    frame: number,
    count: number,
    look: RenderedQuery,
  ): Promise<{ readonly picture: RawPicture; readonly profile: Buffer | undefined }> {
    return this.tasks.rendered(instance, frame, look, async (rendered, { geometry, ...extras }) => {
      if (geometry === undefined) throw new NotAcceptable('not-acceptable', OUTSIDE);
      const { width, height } = geometry.size;
      if (width * height * rendered.channels * count > MAX_SAMPLES)
        throw new NotAcceptable('not-acceptable', TOO_LARGE);
      return { picture: await scaledPicture(rendered, geometry, extras.captions), profile: extras.profile };
    });
  }
}
