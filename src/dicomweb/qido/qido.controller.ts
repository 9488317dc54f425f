import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Requires } from '../../authz/authz.guard.js';
import type { ResourceUids } from '../../catalog/lookup.service.js';
import { sendAnswer } from '../http/dicomweb.answer.js';
import { type DicomwebRequest, Incoming } from '../http/dicomweb.request.js';
import { Target } from '../http/target.param.js';
import { QidoService } from './qido.service.js';

/** Search Transaction (QIDO-RS, PS3.18 §10.6). */
@Controller('dicom-web')
@Requires('studies:read')
export class QidoController {
  constructor(private readonly qido: QidoService) {}

  /** All studies this account may read, newest first. */
  @Get('studies')
  studies(@Incoming() request: DicomwebRequest, @Res() reply: FastifyReply) {
    return sendAnswer(reply, this.qido.searchAll(request, 'study'));
  }

  /** Series of all studies. */
  @Get('series')
  allSeries(@Incoming() request: DicomwebRequest, @Res() reply: FastifyReply) {
    return sendAnswer(reply, this.qido.searchAll(request, 'series'));
  }

  /** Instances of all studies. */
  @Get('instances')
  allInstances(@Incoming() request: DicomwebRequest, @Res() reply: FastifyReply) {
    return sendAnswer(reply, this.qido.searchAll(request, 'instance'));
  }

  /** The series of a study; 404 when the study is not visible. */
  @Get('studies/:study/series')
  series(@Incoming() request: DicomwebRequest, @Target() target: ResourceUids, @Res() reply: FastifyReply) {
    return sendAnswer(reply, this.qido.searchWithin(request, 'series', target));
  }

  /** The instances of a study. */
  @Get('studies/:study/instances')
  instancesOfStudy(
    @Incoming() request: DicomwebRequest,
    @Target() target: ResourceUids,
    @Res() reply: FastifyReply,
  ) {
    return sendAnswer(reply, this.qido.searchWithin(request, 'instance', target));
  }

  /** The instances of a series. */
  @Get('studies/:study/series/:series/instances')
  instances(
    @Incoming() request: DicomwebRequest,
    @Target() target: ResourceUids,
    @Res() reply: FastifyReply,
  ) {
    return sendAnswer(reply, this.qido.searchWithin(request, 'instance', target));
  }
}
