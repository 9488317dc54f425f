import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { UsesRecentDecisions } from '../../authn/access.decorators.js';
import { Requires } from '../../authz/authz.guard.js';
import type { ResourceUids } from '../../catalog/lookup.service.js';
import { Queried } from '../../http/query.shape.js';
import { sendAnswer } from '../http/dicomweb.answer.js';
import { type DicomwebRequest, Incoming } from '../http/dicomweb.request.js';
import { Target } from '../http/target.param.js';
import { QidoService } from './qido.service.js';
import { SearchParameters } from './search.parameters.js';

/** Search Transaction (QIDO-RS, PS3.18 §10.6). */
@Controller('dicom-web')
@Requires('studies:read')
@UsesRecentDecisions()
export class QidoController {
  constructor(private readonly qido: QidoService) {}

  /** Searches all studies that this account may read, newest first. */
  @Queried(SearchParameters)
  @Get('studies')
  studies(@Incoming() request: DicomwebRequest, @Res() reply: FastifyReply) {
    return sendAnswer(reply, this.qido.searchAll(request, 'study'));
  }

  /** Searches the series of all studies. */
  @Queried(SearchParameters)
  @Get('series')
  allSeries(@Incoming() request: DicomwebRequest, @Res() reply: FastifyReply) {
    return sendAnswer(reply, this.qido.searchAll(request, 'series'));
  }

  /** Searches the instances of all studies. */
  @Queried(SearchParameters)
  @Get('instances')
  allInstances(@Incoming() request: DicomwebRequest, @Res() reply: FastifyReply) {
    return sendAnswer(reply, this.qido.searchAll(request, 'instance'));
  }

  /** Searches the series of a study. The answer is 404 when the study is not visible. */
  @Queried(SearchParameters)
  @Get('studies/:study/series')
  series(@Incoming() request: DicomwebRequest, @Target() target: ResourceUids, @Res() reply: FastifyReply) {
    return sendAnswer(reply, this.qido.searchWithin(request, 'series', target));
  }

  /** Searches the instances of a study. */
  @Queried(SearchParameters)
  @Get('studies/:study/instances')
  instancesOfStudy(
    @Incoming() request: DicomwebRequest,
    @Target() target: ResourceUids,
    @Res() reply: FastifyReply,
  ) {
    return sendAnswer(reply, this.qido.searchWithin(request, 'instance', target));
  }

  /** Searches the instances of a series. */
  @Queried(SearchParameters)
  @Get('studies/:study/series/:series/instances')
  instances(
    @Incoming() request: DicomwebRequest,
    @Target() target: ResourceUids,
    @Res() reply: FastifyReply,
  ) {
    return sendAnswer(reply, this.qido.searchWithin(request, 'instance', target));
  }
}
