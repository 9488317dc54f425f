import { Injectable } from '@nestjs/common';
import type { FoundInstances, ResourceUids } from '../../catalog/lookup.service.js';
import { acceptedBy } from '../http/accept.js';
import type { DicomwebAnswer } from '../http/dicomweb.answer.js';
import type { DicomwebRequest } from '../http/dicomweb.request.js';
import { framesWithin } from '../wado/frame.numbers.js';
import { thumbnailViewport } from './picture.bodies.js';
import { documentsOf, framesOf, picturesOf, representativeOf } from './pictures.service.js';
import { ReadAccess } from '../wado/read.access.js';
import { RenderedAnswers } from './rendered.answers.js';
import { negotiateDocuments } from './rendered.negotiation.js';

/** Selects the content of a rendered resource (PS3.18 §10.4.1.1.3, §10.4.1.1.4): frames, documents or a video. */
@Injectable()
export class RenderedTargets {
  constructor(
    private readonly access: ReadAccess,
    private readonly answers: RenderedAnswers,
  ) {}

  /**
   * Answers with one rendered instance, or with all rendered images of a study or series. A study or series without images is answered with
   * its documents. Throws `NotVisible`, `NotAcceptable`.
   */
  async rendered(request: DicomwebRequest, target: ResourceUids): Promise<DicomwebAnswer> {
    const found = await this.access.find(request, target);
    if (target.instance !== undefined) return this.answers.instance(request, found);
    const [first, ...rest] = documentsOf(found);
    if (first === undefined) return this.answers.frames(request, found, picturesOf(found));
    const documents: FoundInstances = { ...found, instances: [first, ...rest] };
    return this.answers.documents(
      request,
      documents,
      negotiateDocuments(acceptedBy(request), [first, ...rest]),
    );
  }

  /** Answers with rendered frames of one instance. Throws `NotVisible`, `NotAcceptable`. */
  async frames(
    request: DicomwebRequest,
    target: ResourceUids,
    asked: readonly number[],
  ): Promise<DicomwebAnswer> {
    const found = await this.access.find(request, target);
    const [instance] = found.instances;
    return this.answers.frames(request, found, framesOf(instance, framesWithin(asked, instance.frames)));
  }

  /**
   * Answers with a thumbnail of the first of these frames, or of the representative frame of the target. Throws `NotVisible`,
   * `NotAcceptable`.
   */
  async thumbnail(
    request: DicomwebRequest,
    target: ResourceUids,
    asked: readonly number[] | undefined,
  ): Promise<DicomwebAnswer> {
    const found = await this.access.find(request, target);
    const [instance] = found.instances;
    const shown =
      asked === undefined
        ? representativeOf(found)
        : framesOf(instance, framesWithin(asked, instance.frames))[0];
    return this.answers.frames(request, found, [shown], thumbnailViewport(shown));
  }
}
