import { Injectable } from '@nestjs/common';
import type { FoundInstances } from '../../catalog/lookup.service.js';
import { etagOf } from '../http/entity.tags.js';
import type { CacheableBody } from '../wado/cached.answers.js';
import { type InstanceFrame, Pictures } from './pictures.service.js';
import type { PictureRepresentation } from './rendered.negotiation.js';
import type { RenderedQuery } from './rendered.query.js';

/** Part of the entity tags of pictures. A change of the rendering changes the number, so that clients do not keep old pictures. */
const RENDERING = 4;

/** Maximum size of a thumbnail, in pixels. */
const THUMBNAIL = { width: 128, height: 128 };

/** The entity tag of pictures of these frames. */
export function etagOfPictures(
  found: FoundInstances,
  frames: readonly InstanceFrame[],
  representation: PictureRepresentation,
  query: RenderedQuery,
): string {
  const numbers = frames.map(({ instance, frame }) => [instance.sopUid, frame]);
  const strength = representation.multipart ? 'weak' : 'strong';
  return etagOf(found, [RENDERING, numbers, representation, query], strength);
}

/** The default viewport of a thumbnail. */
export function thumbnailViewport({ instance }: InstanceFrame): NonNullable<RenderedQuery['viewport']> {
  const { rows = THUMBNAIL.height, columns = THUMBNAIL.width } = instance;
  return { width: Math.min(columns, THUMBNAIL.width), height: Math.min(rows, THUMBNAIL.height) };
}

/** Describes single pictures that can be cached. */
@Injectable()
export class PictureBodies {
  constructor(private readonly rendering: Pictures) {}

  /** A picture of one frame. The representation must be a single body. */
  of(
    found: FoundInstances,
    shown: InstanceFrame,
    representation: PictureRepresentation,
    query: RenderedQuery,
    etag = etagOfPictures(found, [shown], representation, query),
  ): CacheableBody {
    const { instance, frame } = shown;
    return {
      choices: ['rendered', etag],
      etag,
      sent: { frames: 1 },
      type: () => representation.type,
      isWhole: true,
      make: async (making, _boundary, signal) => {
        const stopping = { instance: { ...instance, signal }, frame };
        return (await this.rendering.one(making, stopping, representation, query)).stream;
      },
    };
  }
}
