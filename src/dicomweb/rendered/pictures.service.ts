import { Inject, Injectable } from '@nestjs/common';
import type { FoundInstances, FoundInstance } from '../../catalog/lookup.service.js';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { OrthancBytes } from '../../orthanc/orthanc.bytes.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { NotAcceptable } from '../../problems/errors.js';
import { type OutgoingMultipart, type OutgoingPart, writeMultipart } from '../http/multipart.writer.js';
import { metered } from '../http/metering.js';
import { instanceUrl } from '../http/resource.urls.js';
import type { RenderedQuery } from './rendered.query.js';
import type { PictureRepresentation } from './rendered.negotiation.js';
import { ArchiveFetch } from '../wado/archive.fetch.js';
import type { RecordedRead } from '../wado/read.access.js';
import { canBePictured, ENCAPSULATED_PDF, isRenderedByGateway } from '../../dicom/transfer.syntaxes.js';
import { archiveWindow } from './archive.window.js';
import { GatewayPictures, type PictureRequest } from './gateway.pictures.js';

/** One frame of one instance. `frame` counts from 1. */
export interface InstanceFrame {
  readonly instance: FoundInstance;
  readonly frame: number;
}

/** A list of at least one frame. */
export type InstanceFrames = readonly [InstanceFrame, ...InstanceFrame[]];

const NO_PICTURE = 'This cannot be rendered: it has no pixels, or its transfer syntax cannot be decoded.';

const NOT_BY_ARCHIVE =
  'Regions and sigmoid windows are not available in the transfer syntax of this image. Leave them out.';

/**
 * Fetches rendered frames as JPEG or PNG (PS3.18 §10.4.1.1.3). The gateway renders images that it can decode, and the archive
 * renders the others.
 */
@Injectable()
export class Pictures {
  constructor(
    @Inject(ENV) private readonly env: Env,
    private readonly bytes: OrthancBytes,
    private readonly fetch: ArchiveFetch,
    private readonly own: GatewayPictures,
  ) {}

  /** Renders one frame. Throws `NotAcceptable` when the frame cannot be rendered. */
  async one(
    read: RecordedRead,
    { instance, frame }: InstanceFrame,
    representation: PictureRepresentation,
    query: RenderedQuery,
  ): Promise<ArchiveBytes> {
    const { type } = representation;
    const bytes = isRenderedByGateway(instance.transferSyntax)
      ? await this.own.one(instance, frame, { ...query, type })
      : await this.archived(instance, frame, { ...query, type });
    return metered(bytes, { frames: 1 }, read.offered);
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

  private archived(instance: FoundInstance, frame: number, request: PictureRequest): Promise<ArchiveBytes> {
    const { type, viewport, window, quality } = request;
    if (viewport?.source !== undefined || window?.shape === 'SIGMOID')
      throw new NotAcceptable('not-acceptable', NOT_BY_ARCHIVE);
    const picture = {
      type,
      quality,
      width: viewport?.width,
      height: viewport?.height,
      window: window === undefined ? undefined : archiveWindow(window),
    };
    const call = () => this.bytes.picture(instance.orthancId, frame, picture, instance);
    return this.fetch.computed(instance, NO_PICTURE, call);
  }
}

/**
 * The first frame of every instance that can be rendered, in the order of series and instances. Throws `NotAcceptable` when no instance can
 * be rendered.
 */
export function picturesOf(found: FoundInstances): InstanceFrames {
  const [first, ...rest] = found.instances
    .filter((instance) => canBePictured(instance))
    .map((instance) => ({ instance, frame: 1 }));
  if (first === undefined) throw new NotAcceptable('not-decodable', NO_PICTURE);
  return [first, ...rest];
}

/** The encapsulated PDF instances. The list is empty when an instance has an image, because then only images are rendered. */
export function documentsOf({ instances }: FoundInstances): readonly FoundInstance[] {
  if (instances.some((instance) => canBePictured(instance))) return [];
  return instances.filter(({ sopClassUid }) => sopClassUid === ENCAPSULATED_PDF);
}

/** The given frames of an instance, or all its frames. Throws `NotAcceptable` when the instance cannot be rendered. */
export function framesOf(instance: FoundInstance, numbers: readonly number[] | 'all'): InstanceFrames {
  const every =
    numbers === 'all' ? Array.from({ length: instance.frames }, (_, index) => index + 1) : numbers;
  const [first, ...rest] = every.map((frame) => ({ instance, frame }));
  if (first === undefined || !canBePictured(instance)) throw new NotAcceptable('not-decodable', NO_PICTURE);
  return [first, ...rest];
}

/** The representative frame of a study or series. It is the middle frame of the middle image in the first series with images. */
export function representativeOf(found: FoundInstances): InstanceFrame {
  const [first] = picturesOf(found);
  const series = found.instances.filter(
    (one) => one.seriesUid === first.instance.seriesUid && canBePictured(one),
  );
  const instance = series[Math.floor((series.length - 1) / 2)] ?? first.instance;
  return { instance, frame: Math.ceil(instance.frames / 2) };
}
