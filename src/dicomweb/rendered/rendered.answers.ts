import { Injectable } from '@nestjs/common';
import type { FoundInstances } from '../../catalog/lookup.service.js';
import { videoType } from '../../dicom/transfer.syntaxes.js';
import { BadRequest } from '../../problems/errors.js';
import { acceptedBy } from '../http/accept.js';
import {
  bytesAnswer,
  type DicomwebAnswer,
  multipartAnswer,
  notModified,
  withHeaders,
} from '../http/dicomweb.answer.js';
import type { DicomwebRequest } from '../http/dicomweb.request.js';
import { etagOf, matchesEtag } from '../http/entity.tags.js';
import { documentContentType, documentHeaders, Documents } from './documents.service.js';
import { etagOfPictures, PictureBodies } from './picture.bodies.js';
import { type InstanceFrames, framesOf, Pictures } from './pictures.service.js';
import { CachedAnswers } from '../wado/cached.answers.js';
import { ReadAccess } from '../wado/read.access.js';
import {
  animatedType,
  type DocumentRepresentation,
  documentTypesOf,
  negotiateDocuments,
  requireType,
  negotiatePictures,
  type PictureRepresentation,
} from './rendered.negotiation.js';
import { parseRenderedQuery, type RenderedQuery, unsupportedAnnotations } from './rendered.query.js';
import { VideoAnswers } from './video.answers.js';

/** Part of the entity tags of documents. A change of the reports changes the number. */
const DOCUMENTS = 1;

/**
 * Answers with rendered representations of instances. Each read is recorded. Each answer has an entity tag. The status is 304 when the
 * client already has the representation.
 */
@Injectable()
export class RenderedAnswers {
  constructor(
    private readonly access: ReadAccess,
    private readonly rendering: Pictures,
    private readonly texts: Documents,
    private readonly videos: VideoAnswers,
    private readonly bodies: PictureBodies,
    private readonly cache: CachedAnswers,
  ) {}

  /**
   * Answers with the rendered first instance: its document, its video, or pictures of its frames (PS3.18 §10.4.1.1.3). Throws
   * `NotAcceptable`.
   */
  instance(request: DicomwebRequest, found: FoundInstances): Promise<DicomwebAnswer> {
    const [instance] = found.instances;
    const accepted = acceptedBy(request);
    if (documentTypesOf(instance).length > 0)
      return this.documents(request, found, negotiateDocuments(accepted, [instance]));
    const video = videoType(instance.transferSyntax);
    if (video !== undefined) {
      requireType(accepted, video);
      return this.video(request, found, video);
    }
    // A single picture shows the first frame. A multipart body and an animation contain all frames.
    const representation = negotiatePictures(accepted, 'picture');
    const isOne = !representation.multipart && animatedType(representation) === undefined;
    const frames = framesOf(instance, isOne ? [1] : 'all');
    const query = parseRenderedQuery(request.query);
    return this.pictures(request, found, frames, representation, query, isDefault(query));
  }

  /**
   * Answers with pictures of these frames, with the rendering parameters of the query. The argument `viewport` is used when the query has
   * no viewport. Throws `NotAcceptable`.
   */
  frames(
    request: DicomwebRequest,
    found: FoundInstances,
    frames: InstanceFrames,
    viewport?: RenderedQuery['viewport'],
  ): Promise<DicomwebAnswer> {
    const asked = parseRenderedQuery(request.query);
    const query = { ...(viewport === undefined ? {} : { viewport }), ...asked };
    const content = frames.every(({ instance }) => instance === frames[0].instance) ? 'frames' : 'instances';
    const representation = negotiatePictures(acceptedBy(request), frames.length === 1 ? 'picture' : content);
    return this.pictures(request, found, frames, representation, query, isDefault(asked));
  }

  /**
   * Answers with pictures of these frames in parts, or as one body: an animation, or a picture of the first frame. If `isCached`, a picture
   * comes from the cache, if possible.
   */
  async pictures(
    request: DicomwebRequest,
    found: FoundInstances,
    frames: InstanceFrames,
    representation: PictureRepresentation,
    query: RenderedQuery,
    isCached = false,
  ): Promise<DicomwebAnswer> {
    if (query.iccprofile !== undefined && representation.type === 'image/gif')
      throw new BadRequest(
        'invalid-parameter',
        'A GIF has no ICC profile. Use iccprofile=no, or another media type.',
      );
    const warning = annotationWarning(request.query);
    const answer = await this.drawn(request, found, frames, representation, query, isCached);
    return withHeaders(answer, warning);
  }

  private async drawn(
    request: DicomwebRequest,
    found: FoundInstances,
    frames: InstanceFrames,
    representation: PictureRepresentation,
    query: RenderedQuery,
    isCached: boolean,
  ): Promise<DicomwebAnswer> {
    const read = await this.access.record(request, found, 'rendered');
    const etag = etagOfPictures(found, frames, representation, query);
    if (matchesEtag(request.ifNoneMatch, etag)) return notModified(etag);
    if (representation.multipart)
      return multipartAnswer(await this.rendering.inParts(read, frames, representation, query), etag);
    const animated = frames.length === 1 ? undefined : animatedType(representation);
    if (animated !== undefined) {
      const bytes = await this.rendering.animation(read, frames, animated, query);
      return bytesAnswer(animated, bytes, etag);
    }
    const isOne = isCached && frames.length === 1;
    const body = isOne ? this.bodies.of(found, frames[0], representation, query, etag) : undefined;
    const cached = body === undefined ? undefined : await this.cache.answer(request, read, body);
    if (cached !== undefined) return cached;
    const bytes = await this.rendering.one(read, frames[0], representation, query);
    return bytesAnswer(representation.type, bytes, etag);
  }

  /** Answers with the documents that have this media type, one in each part or the first one as the body. */
  async documents(
    request: DicomwebRequest,
    found: FoundInstances,
    { type, multipart }: DocumentRepresentation,
  ): Promise<DicomwebAnswer> {
    const [first, ...rest] = found.instances.filter((one) => documentTypesOf(one).includes(type));
    const shown: FoundInstances = { ...found, instances: [first ?? found.instances[0], ...rest] };
    const read = await this.access.record(request, shown, 'rendered');
    const etag = etagOf(read, [DOCUMENTS, type], multipart ? 'weak' : 'strong');
    if (matchesEtag(request.ifNoneMatch, etag)) return notModified(etag);
    if (multipart) return multipartAnswer(await this.texts.inParts(read, type), etag);
    const bytes = await this.texts.one(read, read.instances[0], type);
    return withHeaders(bytesAnswer(documentContentType(type), bytes, etag), documentHeaders(type));
  }

  /** Answers with the video of the first instance. `type` is the media type of the video. */
  async video(request: DicomwebRequest, found: FoundInstances, type: string): Promise<DicomwebAnswer> {
    return this.videos.of(request, await this.access.record(request, found, 'rendered'), type);
  }
}

/** The `Warning` header (PS3.18 §8.3.5.1.1). It names the keywords of `annotation` that are not supported. */
function annotationWarning(query: string): Readonly<Record<string, string>> {
  const unsupported = unsupportedAnnotations(query);
  if (unsupported.length === 0) return {};
  const text = `The following annotation values are not supported: ${unsupported.join(', ')}`;
  return { warning: `299 radgate "${text}"` };
}

/** Whether the client asks for no rendering parameter. */
function isDefault(query: RenderedQuery): boolean {
  return Object.values(query).every((value) => value === undefined);
}
