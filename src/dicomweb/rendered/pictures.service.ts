import { Inject, Injectable } from '@nestjs/common';
import type { FoundInstances, FoundInstance } from '../../catalog/lookup.service.js';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { NotAcceptable } from '../../problems/errors.js';
import { type OutgoingMultipart, type OutgoingPart, writeMultipart } from '../http/multipart.writer.js';
import { metered } from '../http/metering.js';
import { instanceUrl } from '../http/resource.urls.js';
import type { RenderedQuery } from './rendered.query.js';
import { documentTypesOf, type PictureRepresentation } from './rendered.negotiation.js';
import type { RecordedRead } from '../wado/read.access.js';
import { canBeRendered } from '../../dicom/transfer.syntaxes.js';
import { Animations } from './animations.service.js';
import { GatewayPictures } from './gateway.pictures.js';
import { PagePictures } from './page.pictures.js';

/** One frame of one instance. `frame` counts from 1. */
export interface InstanceFrame {
  readonly instance: FoundInstance;
  readonly frame: number;
}

/** A list of at least one frame. */
export type InstanceFrames = readonly [InstanceFrame, ...InstanceFrame[]];

const NO_PICTURE = 'This cannot be rendered: it has no pixels, or its transfer syntax cannot be decoded.';

/** Sends rendered frames as pictures or animations (PS3.18 §10.4.1.1.3). */
@Injectable()
export class Pictures {
  constructor(
    @Inject(ENV) private readonly env: Env,
    private readonly own: GatewayPictures,
    private readonly animations: Animations,
    private readonly pages: PagePictures,
  ) {}

  /** Renders one frame. Throws `NotAcceptable` when the frame cannot be rendered. */
  async one(
    read: RecordedRead,
    { instance, frame }: InstanceFrame,
    representation: PictureRepresentation,
    query: RenderedQuery,
  ): Promise<ArchiveBytes> {
    const { type } = representation;
    const bytes = isPdf(instance)
      ? await this.pages.one(read, instance, { type, quality: query.quality }, query.viewport)
      : await this.own.one(instance, frame, { ...query, type });
    return metered(bytes, { frames: 1 }, read.offered);
  }

  /** Renders frames of one instance as an animation. Throws `NotAcceptable` when a frame cannot be rendered, or when they are too large. */
  async animation(
    read: RecordedRead,
    frames: InstanceFrames,
    type: 'image/gif' | 'image/webp',
    query: RenderedQuery,
  ): Promise<ArchiveBytes> {
    const numbers = frames.map(({ frame }) => frame);
    const bytes = await this.animations.of(frames[0].instance, numbers, type, query);
    return metered(bytes, { frames: numbers.length }, read.offered);
  }

  /** Renders frames one after the other, each as one part. */
  inParts(
    read: RecordedRead,
    frames: InstanceFrames,
    representation: PictureRepresentation,
    query: RenderedQuery,
  ): Promise<OutgoingMultipart> {
    const [first, ...rest] = frames;
    const part = (one: InstanceFrame): OutgoingPart => ({
      type: representation.type,
      location: `${instanceUrl(this.env.PUBLIC_URL, read.studyUid, one.instance)}/frames/${one.frame}/rendered`,
      ahead: false,
      // If the frames belong to several instances, an instance that cannot be rendered is left out.
      optional: rest.some(({ instance }) => instance !== first.instance),
      open: () => this.one(read, one, representation, query),
    });
    return writeMultipart(representation.type, [part(first), ...rest.map(part)]);
  }
}

/**
 * The first frame of every instance that can be rendered, in the order of series and instances. Throws `NotAcceptable` when no instance can
 * be rendered.
 */
export function picturesOf(found: FoundInstances): InstanceFrames {
  const [first, ...rest] = found.instances
    .filter((instance) => canBeRendered(instance))
    .map((instance) => ({ instance, frame: 1 }));
  if (first === undefined) throw new NotAcceptable('not-decodable', NO_PICTURE);
  return [first, ...rest];
}

/** The instances that are documents: reports and encapsulated documents. The list is empty when an instance has an image, because then only images are rendered. */
export function documentsOf({ instances }: FoundInstances): readonly FoundInstance[] {
  if (instances.some((instance) => canBeRendered(instance))) return [];
  return instances.filter((instance) => documentTypesOf(instance).length > 0);
}

function isPdf(instance: FoundInstance): boolean {
  return documentTypesOf(instance).includes('application/pdf');
}

/** The given frames of an instance, or all its frames. Throws `NotAcceptable` when the instance cannot be rendered. */
export function framesOf(instance: FoundInstance, numbers: readonly number[] | 'all'): InstanceFrames {
  const every =
    numbers === 'all' ? Array.from({ length: instance.frames }, (_, index) => index + 1) : numbers;
  const [first, ...rest] = every.map((frame) => ({ instance, frame }));
  if (first === undefined || !canBeRendered(instance)) throw new NotAcceptable('not-decodable', NO_PICTURE);
  return [first, ...rest];
}

/** The representative frame of a study or series. It is the middle frame of the middle image in the first series with images. */
export function representativeOf(found: FoundInstances): InstanceFrame {
  // A study, series or instance without images is shown by the first page of its first PDF.
  const document = documentsOf(found).find(isPdf);
  if (document !== undefined) return { instance: document, frame: 1 };
  const [first] = picturesOf(found);
  const series = found.instances.filter(
    (one) => one.seriesUid === first.instance.seriesUid && canBeRendered(one),
  );
  const instance = series[Math.floor((series.length - 1) / 2)] ?? first.instance;
  return { instance, frame: Math.ceil(instance.frames / 2) };
}
