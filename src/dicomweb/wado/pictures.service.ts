import { Injectable } from '@nestjs/common';
import type { FoundInstances, FoundInstance } from '../../catalog/lookup.service.js';
import { OrthancBytes, type Picture } from '../../orthanc/orthanc.bytes.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { NotAcceptable } from '../../problems/errors.js';
import { type OutgoingMultipart, type OutgoingPart, writeMultipart } from '../http/multipart.writer.js';
import { metered } from '../http/metering.js';
import type { RenderedQuery } from './rendered.query.js';
import type { PictureRepresentation } from './rendered.negotiation.js';
import { type Opened, Retrieval } from './retrieval.service.js';
import { canBePictured, ENCAPSULATED_PDF } from '../../dicom/transfer.syntaxes.js';

/** One frame of one instance, counted from 1. */
export interface FrameOf {
  readonly instance: FoundInstance;
  readonly frame: number;
}

/** At least one frame. */
export type FramesOf = readonly [FrameOf, ...FrameOf[]];

const NO_PICTURE =
  'There is no picture of this: it has no pixels, or pixels of one bit, or in an encoding that is only available as stored.';

/** Pictures of frames as JPEG or PNG, made by the archive (PS3.18 §10.4.1.1.3). */
@Injectable()
export class Pictures {
  constructor(
    private readonly retrieval: Retrieval,
    private readonly bytes: OrthancBytes,
  ) {}

  /** One picture as one body. */
  async one(
    opened: Opened,
    { instance, frame }: FrameOf,
    representation: PictureRepresentation,
    query: RenderedQuery,
  ): Promise<ArchiveBytes> {
    const bytes = await this.make(instance, frame, {
      type: representation.type,
      width: query.viewport?.width,
      height: query.viewport?.height,
      window: query.window,
      quality: query.quality,
    });
    return metered(bytes, { frames: 1 }, opened.offered);
  }

  /** Pictures in parts, made one after the other. */
  inParts(
    opened: Opened,
    frames: FramesOf,
    representation: PictureRepresentation,
    query: RenderedQuery,
  ): Promise<OutgoingMultipart> {
    const [first, ...rest] = frames;
    const part = (one: FrameOf): OutgoingPart => ({
      type: representation.type,
      location: `${this.retrieval.urlOf(opened, one.instance)}/frames/${one.frame}/rendered`,
      ahead: false,
      // One instance of many whose pixels are broken does not cut the others short.
      optional: rest.some(({ instance }) => instance !== first.instance),
      open: () => this.one(opened, one, representation, query),
    });
    return writeMultipart(representation.type, [part(first), ...rest.map(part)]);
  }

  private make(instance: FoundInstance, frame: number, picture: Picture): Promise<ArchiveBytes> {
    const call = () => this.bytes.picture(instance.orthancId, frame, picture, instance);
    return this.retrieval.computed(instance, NO_PICTURE, call);
  }
}

/** The first frame of every instance that can be pictured, in series and instance order; throws `NotAcceptable` when there is none. */
export function picturesOf(found: FoundInstances): FramesOf {
  const [first, ...rest] = found.instances
    .filter((instance) => canBePictured(instance))
    .map((instance) => ({ instance, frame: 1 }));
  if (first === undefined) throw new NotAcceptable('not-decodable', NO_PICTURE);
  return [first, ...rest];
}

/** The encapsulated PDFs of what has no image, since those would be shown; none of what has. */
export function documentsOf({ instances }: FoundInstances): readonly FoundInstance[] {
  if (instances.some((instance) => canBePictured(instance))) return [];
  return instances.filter(({ sopClassUid }) => sopClassUid === ENCAPSULATED_PDF);
}

/** These frames of the one instance, or all; throws `NotAcceptable` when it cannot be pictured. */
export function framesOf(instance: FoundInstance, numbers: readonly number[] | 'all'): FramesOf {
  const every = numbers === 'all' ? Array.from({ length: instance.frames }, (_, at) => at + 1) : numbers;
  const [first, ...rest] = every.map((frame) => ({ instance, frame }));
  if (first === undefined || !canBePictured(instance)) throw new NotAcceptable('not-decodable', NO_PICTURE);
  return [first, ...rest];
}

/** What stands for the whole: the middle image of the first series that has images, of a multi-frame one its middle frame. */
export function representativeOf(found: FoundInstances): FrameOf {
  const [first] = picturesOf(found);
  const series = found.instances.filter(
    (one) => one.seriesUid === first.instance.seriesUid && canBePictured(one),
  );
  const instance = series[Math.floor((series.length - 1) / 2)] ?? first.instance;
  return { instance, frame: Math.ceil(instance.frames / 2) };
}
