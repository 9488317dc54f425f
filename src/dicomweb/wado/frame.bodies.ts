import { Injectable } from '@nestjs/common';
import type { FoundInstances } from '../../catalog/lookup.service.js';
import { etagOf } from '../http/entity.tags.js';
import { multipartType } from '../http/multipart.writer.js';
import type { CacheableBody } from './cached.answers.js';
import { Frames, type SourceOfFrames } from './frames.service.js';
import { contentType, type Representation } from './wado.negotiation.js';

/** Part of the keys of the cache. Increase this number when a new version of the gateway writes other bytes for the same frame. */
const FRAMES_VERSION = 1;
/** The expected length of the largest frame that is cached. */
const MAX_CACHED_BYTES = 32 * 1024 * 1024;

/** The entity tag of frames of the first instance. */
export function etagOfFrames(
  found: FoundInstances,
  frames: readonly number[],
  representation: Representation,
): string {
  return etagOf(found, [frames, representation], representation.multipart ? 'weak' : 'strong');
}

/** Describes single frames that can be cached. */
@Injectable()
export class FrameBodies {
  constructor(private readonly frames: Frames) {}

  /**
   * One frame of the first instance, counted from 1. `undefined` if it is too large for the cache. `source`: a source that is open already, and
   * that stays open.
   */
  of(
    found: FoundInstances,
    frame: number,
    representation: Representation,
    etag = etagOfFrames(found, [frame], representation),
    source?: SourceOfFrames,
  ): CacheableBody | undefined {
    const { multipart, type } = representation;
    const { size = 0, frames } = found.instances[0];
    if (size / Math.max(frames, 1) > MAX_CACHED_BYTES) return undefined;
    const open = source === undefined ? undefined : { ...source, close: () => undefined };
    return {
      choices: ['frame', FRAMES_VERSION, etag],
      etag,
      sent: { frames: 1 },
      type: (boundary) => (multipart ? multipartType(type, boundary) : contentType(representation)),
      isWhole: multipart,
      make: async (making, boundary) =>
        multipart
          ? (await this.frames.inParts(making, [frame], representation, boundary, open)).stream
          : (await this.frames.one(making, frame, representation)).stream,
    };
  }
}
