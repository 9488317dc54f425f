import { Controller, Get, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { UsesRecentDecisions } from '../../authn/access.decorators.js';
import { Requires } from '../../authz/authz.guard.js';
import type { ResourceUids } from '../../catalog/lookup.service.js';
import { Queried } from '../../http/query.shape.js';
import { sendAnswer } from '../http/dicomweb.answer.js';
import { type DicomwebRequest, Incoming } from '../http/dicomweb.request.js';
import { Target } from '../http/target.param.js';
import { FrameList } from '../wado/frame.numbers.js';
import { RenderedTargets } from './rendered.targets.js';
import { AcceptParameter } from '../http/accept.js';
import { RenderedParameters } from './rendered.query.js';

const SERIES = 'series/:series';
const INSTANCE = `${SERIES}/instances/:instance`;

/** Rendered resources and thumbnails: pictures, documents and videos (PS3.18 §10.4.1.1.3 and §10.4.1.1.4). */
@Controller('dicom-web/studies/:study')
@Requires('studies:read')
@UsesRecentDecisions()
export class WadoRenderedController {
  constructor(private readonly answers: RenderedTargets) {}

  /**
   * Retrieves a study, series or instance in rendered form. For a study or series, the answer contains the images in parts, or the
   * documents if there is no image. For an instance, it contains a picture, a document or a video.
   */
  @Queried(AcceptParameter, RenderedParameters)
  @Get(['rendered', `${SERIES}/rendered`, `${INSTANCE}/rendered`])
  rendered(@Incoming() request: DicomwebRequest, @Target() target: ResourceUids, @Res() reply: FastifyReply) {
    return sendAnswer(reply, this.answers.rendered(request, target));
  }

  /** Retrieves rendered frames of one instance. */
  @Queried(AcceptParameter, RenderedParameters)
  @Get(`${INSTANCE}/frames/:frames/rendered`)
  frames(
    @Incoming() request: DicomwebRequest,
    @Target() target: ResourceUids,
    @Param('frames', { schema: FrameList }) frames: number[],
    @Res() reply: FastifyReply,
  ) {
    return sendAnswer(reply, this.answers.frames(request, target, frames));
  }

  /** Retrieves a thumbnail of a study, series, instance or frame. */
  @Queried(AcceptParameter, RenderedParameters)
  @Get(['thumbnail', `${SERIES}/thumbnail`, `${INSTANCE}/thumbnail`, `${INSTANCE}/frames/:frames/thumbnail`])
  thumbnail(
    @Incoming() request: DicomwebRequest,
    @Target() target: ResourceUids,
    @Param('frames', { schema: FrameList.optional() }) frames: number[] | undefined,
    @Res() reply: FastifyReply,
  ) {
    return sendAnswer(reply, this.answers.thumbnail(request, target, frames));
  }
}
