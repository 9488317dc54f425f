import { Controller, HttpCode, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Who } from '../../authn/access.decorators.js';
import type { Account } from '../../authn/account.js';
import { Requires } from '../../authz/authz.guard.js';
import type { ResourceUids } from '../../catalog/lookup.service.js';
import { sendAnswer } from '../http/dicomweb.answer.js';
import { type DicomwebRequest, Incoming } from '../http/dicomweb.request.js';
import { Target } from '../http/target.param.js';
import { StowBody, type UploadedBody } from './stow.body.js';
import { Stow } from './stow.service.js';

/** Store Transaction (STOW-RS, PS3.18 §10.5). */
@Controller('dicom-web/studies')
@Requires('studies:store', 'studies:annotate')
export class StowController {
  constructor(private readonly stow: Stow) {}

  /** Stores instances of any study. The body is `multipart/related; type="application/dicom"`, or a single `application/dicom`. */
  @Post()
  @HttpCode(200)
  any(
    @Incoming() request: DicomwebRequest,
    @Who() account: Account,
    @StowBody() body: UploadedBody,
    @Res() reply: FastifyReply,
  ) {
    return sendAnswer(reply, this.stow.store(request, account, body, undefined));
  }

  /** Stores instances of this study only. */
  @Post(':study')
  @HttpCode(200)
  into(
    @Incoming() request: DicomwebRequest,
    @Who() account: Account,
    @StowBody() body: UploadedBody,
    @Target() { study }: ResourceUids,
    @Res() reply: FastifyReply,
  ) {
    return sendAnswer(reply, this.stow.store(request, account, body, study));
  }
}
