import { Injectable } from '@nestjs/common';
import type { FoundInstance, FoundInstances } from '../../catalog/lookup.service.js';
import { videoType } from '../../dicom/transfer.syntaxes.js';
import { BadRequest, NotAcceptable } from '../../problems/errors.js';
import { acceptedBy, covers, type MediaRange } from '../http/accept.js';
import type { DicomwebAnswer } from '../http/dicomweb.answer.js';
import type { DicomwebRequest } from '../http/dicomweb.request.js';
import { canBeApplied, isState } from '../../pixels/states/shown.state.js';
import { AppliedStates, type NamedState } from '../pixels/applied.states.js';
import { DeidentifiedFiles } from './deidentified.files.js';
import { FileAnswers } from './file.answers.js';
import { framesWithin } from './frame.numbers.js';
import { framesOf } from '../rendered/pictures.service.js';
import { ReadAccess } from './read.access.js';
import { RenderedAnswers } from '../rendered/rendered.answers.js';
import {
  animatedType,
  documentTypesOf,
  negotiatePictures,
  renderedTypesOf,
} from '../rendered/rendered.negotiation.js';
import { negotiateFile } from './file.negotiation.js';
import { parseWadoUriQuery, type WadoUriQuery } from './wado-uri.query.js';

const FILE = 'application/dicom';

/** Retrieves one instance by the URI service (PS3.18 §9), as a DICOM file or rendered. */
@Injectable()
export class WadoUriAnswers {
  constructor(
    private readonly access: ReadAccess,
    private readonly files: FileAnswers,
    private readonly rendered: RenderedAnswers,
    private readonly states: AppliedStates,
    private readonly copies: DeidentifiedFiles,
  ) {}

  /** Answers with the instance that the query names. Throws `BadRequest`, `NotVisible`, `NotAcceptable`. */
  async of(request: DicomwebRequest): Promise<DicomwebAnswer> {
    const query = parseWadoUriQuery(request.query);
    request.note({ studyUid: query.target.study });
    const found = await this.access.find(request, query.target);
    if (query.deidentified) return this.deidentified(request, found, query);
    const [instance] = found.instances;
    const state = await this.stateOf(request, query);
    // A requested frame or presentation state is always rendered, because a file contains all frames and no state.
    const accepted = query.contentType ?? acceptedBy(request);
    const type = chosenType(accepted, instance, query.frame !== undefined || state !== undefined);
    if (type === FILE) {
      const isNamed = accepted.some((range) => range.type === FILE);
      return this.file(request, found, query.transferSyntax ?? (isNamed ? undefined : '*'));
    }
    if (query.transferSyntax !== undefined)
      throw new BadRequest(
        'invalid-parameter',
        'transferSyntax is only valid with contentType=application/dicom.',
      );
    if (documentTypesOf(instance).includes(type))
      return this.rendered.documents(request, found, { type, multipart: false });
    if (type === videoType(instance.transferSyntax)) return this.rendered.video(request, found, type);
    const representation = negotiatePictures([rangeOf(type)], 'picture');
    const isAnimated = query.frame === undefined && animatedType(representation) !== undefined;
    const shown = isAnimated ? 'all' : framesWithin([query.frame ?? 1], instance.frames);
    const frames = framesOf(instance, shown);
    return this.rendered.pictures(request, found, frames, representation, { ...query.picture, state });
  }

  /**
   * The presentation state that the query names. Throws `NotVisible` when the state is unknown or in another study, and `BadRequest` or
   * `NotAcceptable` when the instance is no presentation state, or one that cannot be applied.
   */
  private async stateOf(request: DicomwebRequest, query: WadoUriQuery): Promise<NamedState | undefined> {
    if (query.state === undefined) return undefined;
    const found = await this.access.find(request, { study: query.target.study, ...query.state });
    const [instance] = found.instances;
    if (!isState(instance.sopClassUid))
      throw new BadRequest(
        'invalid-parameter',
        'presentationUID names an instance that is not a presentation state. Name a presentation state.',
      );
    if (canBeApplied(instance.sopClassUid)) return this.states.named(instance);
    throw new NotAcceptable(
      'not-acceptable',
      'This kind of presentation state cannot be applied. Use a Grayscale, Color or Pseudo-Color Softcopy Presentation State.',
    );
  }

  private async deidentified(
    request: DicomwebRequest,
    found: FoundInstances,
    { contentType, transferSyntax, frame, state }: WadoUriQuery,
  ): Promise<DicomwebAnswer> {
    const isFile = contentType?.length === 1 && contentType[0]?.type === FILE;
    if (!isFile || transferSyntax !== undefined || frame !== undefined || state !== undefined)
      throw new BadRequest(
        'invalid-parameter',
        'Use anonymize=yes with contentType=application/dicom, without transferSyntax, frameNumber and presentationUID.',
      );
    const read = await this.access.record(request, found, 'instance');
    return this.copies.file(read, request.actor.accountId);
  }

  private async file(
    request: DicomwebRequest,
    found: FoundInstances,
    transferSyntax: string | undefined,
  ): Promise<DicomwebAnswer> {
    const range = rangeOf(FILE, transferSyntax === undefined ? {} : { 'transfer-syntax': transferSyntax });
    const { into } = negotiateFile([range], found.instances, true);
    return this.files.file(await this.access.record(request, found, 'instance'), into);
  }
}

/**
 * The media type to send: the available media type that the client prefers most. If the client prefers several media types equally, the
 * order of {@link typesOf} decides. Throws `NotAcceptable`.
 */
function chosenType(accepted: readonly MediaRange[], instance: FoundInstance, isFrame: boolean): string {
  const offered = typesOf(instance).filter((type) => !isFrame || type.startsWith('image/'));
  const type = accepted.flatMap((range) => offered.filter((one) => covers(range, one)))[0];
  if (type !== undefined) return type;
  throw new NotAcceptable(
    'not-acceptable',
    offered.length === 0
      ? 'This instance has no frames that can be rendered.'
      : `This is available as ${offered.join(', ')}.`,
  );
}

/**
 * The media types of an instance, the default first (PS3.18 §8.7.4). The default is a picture for an image with a single frame, and a file
 * for an image with several frames.
 */
function typesOf(instance: FoundInstance): readonly string[] {
  const rendered = renderedTypesOf(instance);
  const isMultiFrame = rendered.includes('image/jpeg') && instance.frames !== 1;
  return isMultiFrame ? [FILE, ...rendered] : [...rendered, FILE];
}

function rangeOf(type: string, parameters: Readonly<Record<string, string>> = {}): MediaRange {
  return { type, parameters: new Map(Object.entries(parameters)), q: 1 };
}
