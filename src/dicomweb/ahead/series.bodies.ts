import { Injectable } from '@nestjs/common';
import type { FoundInstance, FoundInstances } from '../../catalog/lookup.service.js';
import { canBeRendered, videoType } from '../../dicom/transfer.syntaxes.js';
import { NotAcceptable, NotVisible, UpstreamFailed } from '../../problems/errors.js';
import { parseAccept } from '../http/accept.js';
import { representativeOf } from '../rendered/pictures.service.js';
import { PictureBodies, thumbnailViewport } from '../rendered/picture.bodies.js';
import { type CacheableBody, CachedAnswers } from '../wado/cached.answers.js';
import { FrameBodies } from '../wado/frame.bodies.js';
import { Frames } from '../wado/frames.service.js';
import { InstanceMetadata } from '../wado/instance.metadata.js';
import { MAX_CACHED_INSTANCES, MetadataBodies } from '../wado/metadata.bodies.js';
import type { RecordedRead } from '../wado/read.access.js';
import { negotiateFrames } from '../wado/wado.negotiation.js';

const JSON_TYPE = 'application/dicom+json';
/** What viewers such as OHIF accept for frames. */
const FRAMES = parseAccept('multipart/related; type="application/octet-stream"; transfer-syntax=*');
const JPEG = { multipart: false, type: 'image/jpeg' } as const;
/** Number of headers that one step reads. */
const HEADERS = 16;
/** All frames of an instance of at most this size in bytes are made. Otherwise its first frame is made. */
const SMALL_BYTES = 64 * 1024 * 1024;
/** The default pictures of all instances are made in series of at most this many instances. */
const FEW_INSTANCES = 16;
/** The frames of a series are made until they have this size in bytes. */
const SERIES_BYTES = 256 * 1024 * 1024;

/** A step of the work. It makes at most some bodies. */
export type Step = () => Promise<void>;

/** Lists the bodies of new series that viewers ask for first, in the order in which they ask. */
@Injectable()
export class SeriesBodies {
  constructor(
    private readonly cache: CachedAnswers,
    private readonly instanceMetadata: InstanceMetadata,
    private readonly metadata: MetadataBodies,
    private readonly pictures: PictureBodies,
    private readonly frameBodies: FrameBodies,
    private readonly frames: Frames,
  ) {}

  /**
   * The steps that make the bodies of a study. The series that a client has asked for comes first, and metadata and thumbnails
   * come before frames. A step does nothing if the cache has its
   * bodies. A body that cannot be made stays absent, and a request for it gets the error. Steps throw `NeighbourAway` and `TooMany`.
   */
  async *stepsOf(
    study: FoundInstances,
    asked: string | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<Step> {
    const isLater = (series: FoundInstances) => Number(series.instances[0].seriesUid !== asked);
    const all = seriesOf(study).toSorted((one, other) => isLater(one) - isLater(other));
    for (const series of all) {
      yield* this.metadataOf(series, signal);
      yield* this.thumbnailsOf(series, signal);
    }
    if (all.length > 1) yield () => this.prepareMetadata(study, signal);
    for (const series of all) yield* this.framesOf(series, signal);
  }

  /** Reads the headers in small steps. The last step writes the metadata from memory. */
  private async *metadataOf(series: FoundInstances, signal: AbortSignal): AsyncGenerator<Step> {
    const body = this.metadata.of(series, JSON_TYPE);
    if (body === undefined || this.cache.isPrepared(series, body)) return;
    const files = await this.instanceMetadata.filesOf(series.instances);
    for (let at = 0; at < series.instances.length; at += HEADERS) {
      const some = series.instances.slice(at, at + HEADERS);
      yield () =>
        ifPossible(async () => {
          for (const one of some) await this.instanceMetadata.textOf(series.studyUid, one, files, signal);
        });
    }
    yield () => this.prepareMetadata(series, signal);
  }

  private async prepareMetadata(found: FoundInstances, signal: AbortSignal): Promise<void> {
    const body =
      found.instances.length > MAX_CACHED_INSTANCES ? undefined : this.metadata.of(found, JSON_TYPE);
    await this.prepare(found, body, signal);
  }

  /** The thumbnail of the series, of the instance in its middle, and default pictures. */
  private *thumbnailsOf(series: FoundInstances, signal: AbortSignal): Generator<Step> {
    const images = series.instances.filter((one) => canBeRendered(one));
    if (images.length === 0) return;
    const shown = representativeOf(series);
    const viewport = thumbnailViewport(shown);
    yield () => this.prepare(series, this.pictures.of(series, shown, JPEG, { viewport }), signal);
    const middle = images[Math.floor(images.length / 2)] ?? shown.instance;
    for (const instance of new Set([shown.instance, middle])) {
      const one = onlyOf(series, instance);
      const ofOne = representativeOf(one);
      const query = { viewport: thumbnailViewport(ofOne) };
      yield () => this.prepare(one, this.pictures.of(one, ofOne, JPEG, query), signal);
    }
    for (const instance of images.length <= FEW_INSTANCES ? images : [middle]) {
      const one = onlyOf(series, instance);
      yield () => this.prepare(one, this.pictures.of(one, { instance, frame: 1 }, JPEG, {}), signal);
    }
  }

  /** The first frame of each instance, and all frames of small instances. */
  private async *framesOf(series: FoundInstances, signal: AbortSignal): AsyncGenerator<Step> {
    let left = SERIES_BYTES;
    for (const instance of series.instances) {
      const { size = 0, frames } = instance;
      if (frames < 1 || videoType(instance.transferSyntax) !== undefined) continue;
      const count = size <= SMALL_BYTES ? frames : 1;
      left -= (size / frames) * count;
      if (left < 0) return;
      const one = onlyOf(series, instance);
      const representation = negotiateFrames(FRAMES, instance, true);
      const source = this.frames.inOrder({ ...instance, signal }, representation);
      try {
        for (let frame = 1; frame <= count; frame += 1) {
          const body = this.frameBodies.of(one, frame, representation, undefined, source);
          yield () => this.prepare(one, body, signal);
        }
      } finally {
        source.close();
      }
    }
  }

  private prepare(
    found: FoundInstances,
    body: CacheableBody | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    if (body === undefined) return Promise.resolve();
    return ifPossible(() => this.cache.prepare(unrecorded(found), body, signal));
  }
}

/** Ignores errors that come from the content of the files, because the same work would fail again. */
async function ifPossible(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const isFinal =
      error instanceof NotAcceptable || error instanceof NotVisible || error instanceof UpstreamFailed;
    if (!isFinal) throw error;
  }
}

/** Nobody reads these instances now, so nothing is recorded in the audit. */
function unrecorded(found: FoundInstances): RecordedRead {
  return { ...found, offered: () => undefined };
}

function onlyOf(found: FoundInstances, instance: FoundInstance): FoundInstances {
  return { ...found, instances: [instance] };
}

/** The instances of each series, in their order. */
function seriesOf(study: FoundInstances): FoundInstances[] {
  const groups = Map.groupBy(study.instances, ({ seriesUid }) => seriesUid);
  return [...groups.values()].flatMap(([first, ...rest]) =>
    first === undefined ? [] : [{ ...study, instances: [first, ...rest] }],
  );
}
