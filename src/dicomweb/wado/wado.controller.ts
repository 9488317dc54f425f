import { Controller, Get, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { UsesRecentDecisions } from '../../authn/access.decorators.js';
import { Requires } from '../../authz/authz.guard.js';
import type { ResourceUids } from '../../catalog/lookup.service.js';
import { Queried } from '../../http/query.shape.js';
import { sendAnswer } from '../http/dicomweb.answer.js';
import { type DicomwebRequest, Incoming } from '../http/dicomweb.request.js';
import { Target } from '../http/target.param.js';
import { BulkAnswers, BulkPath } from './bulk.answers.js';
import { FileAnswers } from './file.answers.js';
import { FrameAnswers } from './frame.answers.js';
import { FrameList } from './frame.numbers.js';
import { MetadataAnswers } from './metadata.answers.js';
import { AcceptParameter } from '../http/accept.js';
import { RenderedParameters } from '../rendered/rendered.query.js';

const INSTANCE = 'series/:series/instances/:instance';

/** Retrieve Transaction (WADO-RS, PS3.18 §10.4). */
@Controller('dicom-web/studies/:study')
@Requires('studies:read')
@UsesRecentDecisions()
export class WadoController {
  constructor(
    private readonly files: FileAnswers,
    private readonly metadata: MetadataAnswers,
    private readonly frameAnswers: FrameAnswers,
    private readonly bulkData: BulkAnswers,
  ) {}

  /** Retrieves all instances of a study. */
  @Queried(AcceptParameter)
  @Get()
  study(@Incoming() request: DicomwebRequest, @Target() target: ResourceUids, @Res() reply: FastifyReply) {
    return sendAnswer(reply, this.files.all(request, target, 'study'));
  }

  /** Retrieves all instances of a series. */
  @Queried(AcceptParameter)
  @Get('series/:series')
  series(@Incoming() request: DicomwebRequest, @Target() target: ResourceUids, @Res() reply: FastifyReply) {
    return sendAnswer(reply, this.files.all(request, target, 'series'));
  }

  /**
   * Retrieves one instance, as a multipart body or as a single `application/dicom`. If the client prefers a rendered media type, the
   * instance is rendered.
   */
  @Queried(AcceptParameter, RenderedParameters)
  @Get(INSTANCE)
  instance(@Incoming() request: DicomwebRequest, @Target() target: ResourceUids, @Res() reply: FastifyReply) {
    return sendAnswer(reply, this.files.one(request, target));
  }

  /** Retrieves the metadata of every instance of a study, as DICOM JSON or XML. */
  @Queried(AcceptParameter)
  @Get('metadata')
  studyMetadata(
    @Incoming() request: DicomwebRequest,
    @Target() target: ResourceUids,
    @Res() reply: FastifyReply,
  ) {
    return sendAnswer(reply, this.metadata.of(request, target));
  }

  /** Retrieves the metadata of every instance of a series, as DICOM JSON or XML. */
  @Queried(AcceptParameter)
  @Get('series/:series/metadata')
  seriesMetadata(
    @Incoming() request: DicomwebRequest,
    @Target() target: ResourceUids,
    @Res() reply: FastifyReply,
  ) {
    return sendAnswer(reply, this.metadata.of(request, target));
  }

  /** Retrieves the metadata of one instance, as DICOM JSON or XML. */
  @Queried(AcceptParameter)
  @Get(`${INSTANCE}/metadata`)
  instanceMetadata(
    @Incoming() request: DicomwebRequest,
    @Target() target: ResourceUids,
    @Res() reply: FastifyReply,
  ) {
    return sendAnswer(reply, this.metadata.of(request, target));
  }

  /** Retrieves frames of one instance. Frame numbers begin with 1. The answer is 404 when a frame does not exist. */
  @Queried(AcceptParameter)
  @Get(`${INSTANCE}/frames/:frames`)
  frames(
    @Incoming() request: DicomwebRequest,
    @Target() target: ResourceUids,
    @Param('frames', { schema: FrameList }) frames: number[],
    @Res() reply: FastifyReply,
  ) {
    return sendAnswer(reply, this.frameAnswers.of(request, target, frames));
  }

  /** Retrieves the value of one element of an instance. The metadata of the instance contains the URL of the value. */
  @Queried(AcceptParameter)
  @Get(`${INSTANCE}/bulk/*`)
  bulk(
    @Incoming() request: DicomwebRequest,
    @Target() target: ResourceUids,
    @Param('*', { schema: BulkPath }) path: string,
    @Res() reply: FastifyReply,
  ) {
    return sendAnswer(reply, this.bulkData.of(request, target, path));
  }
}
