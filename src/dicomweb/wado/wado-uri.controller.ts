import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { UsesRecentDecisions } from '../../authn/access.decorators.js';
import { Requires } from '../../authz/authz.guard.js';
import { Queried } from '../../http/query.shape.js';
import { sendAnswer } from '../http/dicomweb.answer.js';
import { type DicomwebRequest, Incoming } from '../http/dicomweb.request.js';
import { WadoUriAnswers } from './wado-uri.answers.js';
import { WadoUriParameters } from './wado-uri.query.js';

/** Retrieve DICOM Instance and Retrieve Rendered Instance of the URI service (PS3.18 §9.4, §9.5). */
@Controller('wado')
@Requires('studies:read')
@UsesRecentDecisions()
export class WadoUriController {
  constructor(private readonly answers: WadoUriAnswers) {}

  /**
   * Retrieves one instance by its study, series and instance UIDs, as a DICOM file or rendered. The answer is 404 when the account cannot
   * see the instance, and 406 when no accepted media type is available.
   */
  @Queried(WadoUriParameters)
  @Get()
  instance(@Incoming() request: DicomwebRequest, @Res() reply: FastifyReply) {
    return sendAnswer(reply, this.answers.of(request));
  }
}
