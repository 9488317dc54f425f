import { Injectable } from '@nestjs/common';
import type { ResourceUids } from '../../catalog/lookup.service.js';
import { videoType } from '../../dicom/transfer.syntaxes.js';
import { acceptedBy } from '../http/accept.js';
import { bytesAnswer, type DicomwebAnswer, multipartAnswer, notModified } from '../http/dicomweb.answer.js';
import type { DicomwebRequest } from '../http/dicomweb.request.js';
import { etagOf, matchesEtag } from '../http/entity.tags.js';
import { multipartType } from '../http/multipart.writer.js';
import { framesWithin } from './frame.numbers.js';
import { Frames } from './frames.service.js';
import { CachedAnswers } from './cached.answers.js';
import { ReadAccess, type RecordedRead } from './read.access.js';
import { contentType, negotiateFrames, type Representation } from './wado.negotiation.js';

/** Part of the keys of the cache. Increase this number when a new version of the gateway writes other bytes for the same frame. */
const FRAMES_VERSION = 1;
/** The expected length of the largest frame that is cached. */
const MAX_CACHED_BYTES = 32 * 1024 * 1024;

/** Retrieves frames (PS3.18 §10.4.1.1.6). */
@Injectable()
export class FrameAnswers {
  constructor(
    private readonly access: ReadAccess,
    private readonly frames: Frames,
    private readonly cache: CachedAnswers,
  ) {}

  /** Answers with frames of one instance in the requested order. Frame numbers begin with 1. Throws `NotVisible`, `NotAcceptable`. */
  async of(
    request: DicomwebRequest,
    target: ResourceUids,
    asked: readonly number[],
  ): Promise<DicomwebAnswer> {
    const found = await this.access.find(request, target);
    const [instance] = found.instances;
    // A video counts as one frame, because its frames are one stream.
    const last = videoType(instance.transferSyntax) === undefined ? instance.frames : 1;
    const numbers = framesWithin(asked, last);
    const representation = negotiateFrames(acceptedBy(request), instance, numbers.length === 1);
    const read = await this.access.record(request, found, 'frames');
    const etag = etagOf(found, [numbers, representation], representation.multipart ? 'weak' : 'strong');
    if (matchesEtag(request.ifNoneMatch, etag)) return notModified(etag);
    const cached =
      numbers.length === 1 ? await this.cached(request, read, numbers[0], representation, etag) : undefined;
    if (cached !== undefined) return cached;
    if (representation.multipart)
      return multipartAnswer(await this.frames.inParts(read, numbers, representation), etag);
    const bytes = await this.frames.one(read, numbers[0], representation);
    return bytesAnswer(contentType(representation), bytes, etag);
  }

  /** Answers with a single frame from the cache. `undefined` if the cache cannot be used. */
  private cached(
    request: DicomwebRequest,
    read: RecordedRead,
    frame: number,
    representation: Representation,
    etag: string,
  ): Promise<DicomwebAnswer | undefined> {
    const { multipart, type } = representation;
    const { size = 0, frames } = read.instances[0];
    if (size / Math.max(frames, 1) > MAX_CACHED_BYTES) return Promise.resolve(undefined);
    return this.cache.answer(request, read, {
      choices: ['frame', FRAMES_VERSION, etag],
      etag,
      sent: { frames: 1 },
      type: (boundary) => (multipart ? multipartType(type, boundary) : contentType(representation)),
      isWhole: multipart,
      make: async (making, boundary) =>
        multipart
          ? (await this.frames.inParts(making, [frame], representation, boundary)).stream
          : (await this.frames.one(making, frame, representation)).stream,
    });
  }
}
