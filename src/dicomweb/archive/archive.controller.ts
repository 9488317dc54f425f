import { Controller, Get, Head, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Requires } from '../../authz/authz.guard.js';
import type { ResourceUids } from '../../catalog/lookup.service.js';
import { GivesAs } from '../../http/response.shape.js';
import { sendAnswer } from '../http/dicomweb.answer.js';
import { type DicomwebRequest, Incoming } from '../http/dicomweb.request.js';
import { Target } from '../http/target.param.js';
import { ArchiveAnswers } from './archive.answers.js';

const [SERIES, INSTANCE] = ['series/:series', 'series/:series/instances/:instance'];
const ZIP = { 'application/zip': null };

/** Downloads for people: DICOM files with a DICOMDIR, as a ZIP archive. Other systems use WADO-RS. */
@Controller('api/studies/:study')
@Requires('studies:read')
export class ArchiveController {
  constructor(private readonly archives: ArchiveAnswers) {}

  /** Downloads all instances of a study as a ZIP archive of DICOM files with a DICOMDIR (PS3.10). */
  @Get('archive')
  @GivesAs(ZIP)
  study(@Incoming() request: DicomwebRequest, @Target() target: ResourceUids, @Res() reply: FastifyReply) {
    return sendAnswer(reply, this.archives.get(request, target, 'study'));
  }

  /** Downloads all instances of a series as a ZIP archive of DICOM files with a DICOMDIR (PS3.10). */
  @Get(`${SERIES}/archive`)
  @GivesAs(ZIP)
  series(@Incoming() request: DicomwebRequest, @Target() target: ResourceUids, @Res() reply: FastifyReply) {
    return sendAnswer(reply, this.archives.get(request, target, 'series'));
  }

  /** Downloads one instance as a ZIP archive of its DICOM file and a DICOMDIR (PS3.10). */
  @Get(`${INSTANCE}/archive`)
  @GivesAs(ZIP)
  instance(@Incoming() request: DicomwebRequest, @Target() target: ResourceUids, @Res() reply: FastifyReply) {
    return sendAnswer(reply, this.archives.get(request, target, 'instance'));
  }

  /** Answers like the download of a study, without the archive. */
  @Head('archive')
  @GivesAs(ZIP)
  studyHead(
    @Incoming() request: DicomwebRequest,
    @Target() target: ResourceUids,
    @Res() reply: FastifyReply,
  ) {
    return sendAnswer(reply, this.archives.head(request, target, 'study'));
  }

  /** Answers like the download of a series, without the archive. */
  @Head(`${SERIES}/archive`)
  @GivesAs(ZIP)
  seriesHead(
    @Incoming() request: DicomwebRequest,
    @Target() target: ResourceUids,
    @Res() reply: FastifyReply,
  ) {
    return sendAnswer(reply, this.archives.head(request, target, 'series'));
  }

  /** Answers like the download of an instance, without the archive. */
  @Head(`${INSTANCE}/archive`)
  @GivesAs(ZIP)
  instanceHead(
    @Incoming() request: DicomwebRequest,
    @Target() target: ResourceUids,
    @Res() reply: FastifyReply,
  ) {
    return sendAnswer(reply, this.archives.head(request, target, 'instance'));
  }
}
