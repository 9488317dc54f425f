import { Injectable } from '@nestjs/common';
import type { FoundInstances } from '../../catalog/lookup.service.js';
import { ENCAPSULATED_PDF, videoType } from '../../dicom/transfer.syntaxes.js';
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
import { etagOfPictures, PictureBodies } from './picture.bodies.js';
import { PdfDocuments } from './pdf.documents.js';
import { type InstanceFrames, framesOf, Pictures } from './pictures.service.js';
import { CachedAnswers } from '../wado/cached.answers.js';
import { ReadAccess } from '../wado/read.access.js';
import {
  animatedType,
  requireType,
  negotiatePictures,
  type PictureRepresentation,
} from './rendered.negotiation.js';
import { parseRenderedQuery, type RenderedQuery, unsupportedAnnotations } from './rendered.query.js';
import { VideoAnswers } from './video.answers.js';

/**
 * Answers with rendered representations of instances. Each read is recorded. Each answer has an entity tag. The status is 304 when the
 * client already has the representation.
 */
@Injectable()
export class RenderedAnswers {
  constructor(
    private readonly access: ReadAccess,
    private readonly rendering: Pictures,
    private readonly pdfs: PdfDocuments,
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
    if (instance.sopClassUid === ENCAPSULATED_PDF) {
      requireType(accepted, 'application/pdf');
      return this.document(request, found);
    }
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

  /** Answers with the document of an encapsulated PDF. */
  async document(request: DicomwebRequest, found: FoundInstances): Promise<DicomwebAnswer> {
    const read = await this.access.record(request, found, 'rendered');
    const etag = etagOf(found, ['pdf'], 'strong');
    if (matchesEtag(request.ifNoneMatch, etag)) return notModified(etag);
    return bytesAnswer('application/pdf', await this.pdfs.one(read, read.instances[0]), etag);
  }

  /** Answers with the documents of encapsulated PDFs, one in each part. */
  async documents(request: DicomwebRequest, found: FoundInstances): Promise<DicomwebAnswer> {
    const read = await this.access.record(request, found, 'rendered');
    const etag = etagOf(found, ['pdf', 'parts'], 'weak');
    if (matchesEtag(request.ifNoneMatch, etag)) return notModified(etag);
    return multipartAnswer(await this.pdfs.inParts(read), etag);
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
