import { Injectable } from '@nestjs/common';
import type { ResourceUids } from '../../catalog/lookup.service.js';
import { videoType } from '../../dicom/transfer.syntaxes.js';
import { acceptedBy } from '../http/accept.js';
import { bytesAnswer, type DicomwebAnswer, multipartAnswer, notModified } from '../http/dicomweb.answer.js';
import type { DicomwebRequest } from '../http/dicomweb.request.js';
import { matchesEtag } from '../http/entity.tags.js';
import { etagOfFrames, FrameBodies } from './frame.bodies.js';
import { framesWithin } from './frame.numbers.js';
import { Frames } from './frames.service.js';
import { CachedAnswers } from './cached.answers.js';
import { ReadAccess } from './read.access.js';
import { contentType, negotiateFrames } from './wado.negotiation.js';

/** Retrieves frames (PS3.18 §10.4.1.1.6). */
@Injectable()
export class FrameAnswers {
  constructor(
    private readonly access: ReadAccess,
    private readonly frames: Frames,
    private readonly bodies: FrameBodies,
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
    const etag = etagOfFrames(found, numbers, representation);
    if (matchesEtag(request.ifNoneMatch, etag)) return notModified(etag);
    const body = numbers.length === 1 ? this.bodies.of(found, numbers[0], representation, etag) : undefined;
    const cached = body === undefined ? undefined : await this.cache.answer(request, read, body);
    if (cached !== undefined) return cached;
    if (representation.multipart)
      return multipartAnswer(await this.frames.inParts(read, numbers, representation), etag);
    const bytes = await this.frames.one(read, numbers[0], representation);
    return bytesAnswer(contentType(representation), bytes, etag);
  }
}
