import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { May, Requires } from '../authz/authz.guard.js';
import type { Policy } from '../authz/policy.js';
import type { Target } from '../catalog/lookup.service.js';
import { SeriesUid, SopUid, StudyUid } from '../catalog/uids.js';
import type { ArchiveBytes } from '../orthanc/orthanc.bytes.js';
import { NotAcceptable, NotVisible } from '../problems/errors.js';
import { acceptedBy, covers, demandJson } from './accept.js';
import type { OutgoingMultipart } from './multipart.writer.js';
import { Retrieval } from './retrieval.service.js';
import { compressedType } from './transfer.syntaxes.js';
import { InstanceParam, SeriesParam, StudyParam } from './uid.params.js';
import { contentType, negotiateBulk, negotiateFile, negotiateFrames } from './wado.negotiation.js';

const ENCAPSULATED_PDF = '1.2.840.10008.5.1.4.1.1.104.1';
const PIXEL_DATA = '7FE00010';
const FRAMES_AT_MOST = 10_000;

/** Frame numbers from 1, separated by commas. */
const FrameList = z
  .string()
  .max(60_000)
  .regex(/^\d{1,9}(,\d{1,9})*$/)
  .transform((text) => text.split(',').map(Number));
/** Tags and item numbers in turn. */
const BulkPath = z.string().regex(/^[0-9a-fA-F]{8}(\/[1-9]\d{0,4}\/[0-9a-fA-F]{8})*$/);

/** Retrieve Transaction (WADO-RS, PS3.18 §10.4). */
@Controller('dicom-web/studies/:study')
@Requires('studies:read')
export class WadoController {
  constructor(private readonly retrieval: Retrieval) {}

  /** All instances of a study. */
  @Get()
  study(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @May() policy: Policy,
    @Param('study', StudyParam) study: StudyUid,
  ) {
    return this.files(request, reply, policy, { study }, 'study');
  }

  /** All instances of a series. */
  @Get('series/:series')
  series(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @May() policy: Policy,
    @Param('study', StudyParam) study: StudyUid,
    @Param('series', SeriesParam) series: SeriesUid,
  ) {
    return this.files(request, reply, policy, { study, series }, 'series');
  }

  /** One instance, in parts or as a single `application/dicom`. */
  @Get('series/:series/instances/:instance')
  instance(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @May() policy: Policy,
    @Param('study', StudyParam) study: StudyUid,
    @Param('series', SeriesParam) series: SeriesUid,
    @Param('instance', InstanceParam) instance: SopUid,
  ) {
    return this.files(request, reply, policy, { study, series, instance }, 'instance');
  }

  /** DICOM JSON of every instance of a study. */
  @Get('metadata')
  studyMetadata(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @May() policy: Policy,
    @Param('study', StudyParam) study: StudyUid,
  ) {
    return this.metadata(request, reply, policy, { study });
  }

  /** DICOM JSON of every instance of a series. */
  @Get('series/:series/metadata')
  seriesMetadata(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @May() policy: Policy,
    @Param('study', StudyParam) study: StudyUid,
    @Param('series', SeriesParam) series: SeriesUid,
  ) {
    return this.metadata(request, reply, policy, { study, series });
  }

  /** DICOM JSON of one instance. */
  @Get('series/:series/instances/:instance/metadata')
  instanceMetadata(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @May() policy: Policy,
    @Param('study', StudyParam) study: StudyUid,
    @Param('series', SeriesParam) series: SeriesUid,
    @Param('instance', InstanceParam) instance: SopUid,
  ) {
    return this.metadata(request, reply, policy, { study, series, instance });
  }

  /** Frames of one instance, numbered from 1; a number outside is 404. */
  @Get('series/:series/instances/:instance/frames/:frames')
  async frames(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @May() policy: Policy,
    @Param('study', StudyParam) study: StudyUid,
    @Param('series', SeriesParam) series: SeriesUid,
    @Param('instance', InstanceParam) instance: SopUid,
    @Param('frames', { schema: FrameList }) frames: number[],
  ): Promise<FastifyReply> {
    const found = await this.retrieval.find(policy, { study, series, instance });
    const [{ frames: held, transferSyntax }] = found.instances;
    const [first, ...rest] = frames;
    if (first === undefined || frames.length > FRAMES_AT_MOST) throw new NotVisible();
    if (frames.some((frame) => frame < 1 || frame > held)) throw new NotVisible();
    const representation = negotiateFrames(acceptedBy(request), transferSyntax, rest.length === 0);
    const opened = await this.retrieval.open(request, found, 'frames');
    if (!representation.multipart) {
      return sendBytes(reply, contentType(representation), await this.retrieval.frame(opened, first));
    }
    return sendMultipart(reply, await this.retrieval.frames(opened, [first, ...rest], representation));
  }

  /** What a person looks at: the document of an encapsulated PDF. */
  @Get('series/:series/instances/:instance/rendered')
  async rendered(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @May() policy: Policy,
    @Param('study', StudyParam) study: StudyUid,
    @Param('series', SeriesParam) series: SeriesUid,
    @Param('instance', InstanceParam) instance: SopUid,
  ): Promise<FastifyReply> {
    const found = await this.retrieval.find(policy, { study, series, instance });
    const isPdf = found.instances[0].sopClassUid === ENCAPSULATED_PDF;
    // Browsers ask for a page's kinds of things and for anything else.
    if (!isPdf || !acceptedBy(request).some((range) => covers(range, 'application/pdf'))) {
      throw new NotAcceptable(
        'Encapsulated documents are rendered as application/pdf; images are not rendered.',
      );
    }
    const opened = await this.retrieval.open(request, found, 'rendered');
    return sendBytes(reply, 'application/pdf', await this.retrieval.pdf(opened));
  }

  /** The value of one element of an instance, as its metadata refers to it. */
  @Get('series/:series/instances/:instance/bulk/*')
  async bulk(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @May() policy: Policy,
    @Param('study', StudyParam) study: StudyUid,
    @Param('series', SeriesParam) series: SeriesUid,
    @Param('instance', InstanceParam) instance: SopUid,
    @Param('*', { schema: BulkPath }) path: string,
  ): Promise<FastifyReply> {
    const found = await this.retrieval.find(policy, { study, series, instance });
    const [{ frames, transferSyntax }] = found.instances;
    const isPixels = path.toUpperCase() === PIXEL_DATA;
    if (isPixels && compressedType(transferSyntax) !== undefined) {
      // Compressed pixels have no value but that of their frames (PS3.18 §8.7.3.3.2).
      const representation = negotiateFrames(acceptedBy(request), transferSyntax, false);
      const opened = await this.retrieval.open(request, found, 'bulk');
      const all = Array.from({ length: Math.max(frames, 1) }, (_, index) => index + 1);
      return sendMultipart(reply, await this.retrieval.frames(opened, [1, ...all.slice(1)], representation));
    }
    const { multipart } = negotiateBulk(acceptedBy(request));
    const opened = await this.retrieval.open(request, found, 'bulk');
    const tags = path.split('/').map((step, index) => (index % 2 === 0 ? dashed(step) : Number(step) - 1));
    // The archive keeps uncompressed pixels as the one fragment of a list.
    const steps = isPixels ? [...tags, 0] : tags;
    if (!multipart)
      return sendBytes(reply, 'application/octet-stream', await this.retrieval.bulk(opened, steps));
    return sendMultipart(reply, await this.retrieval.bulkInParts(opened, steps, path));
  }

  private async files(
    request: FastifyRequest,
    reply: FastifyReply,
    policy: Policy,
    target: Target,
    action: 'study' | 'series' | 'instance',
  ): Promise<FastifyReply> {
    const found = await this.retrieval.find(policy, target);
    const stored = found.instances.map((instance) => instance.transferSyntax);
    const { multipart } = negotiateFile(acceptedBy(request), stored, target.instance !== undefined);
    const opened = await this.retrieval.open(request, found, action);
    if (multipart) return sendMultipart(reply, await this.retrieval.files(opened));
    return sendBytes(reply, 'application/dicom', await this.retrieval.file(opened, opened.instances[0]));
  }

  private async metadata(
    request: FastifyRequest,
    reply: FastifyReply,
    policy: Policy,
    target: Target,
  ): Promise<FastifyReply> {
    const found = await this.retrieval.find(policy, target);
    demandJson(request);
    const opened = await this.retrieval.open(request, found, 'metadata');
    const stream = await this.retrieval.metadata(opened);
    return reply.type('application/dicom+json').header('cache-control', 'private, no-cache').send(stream);
  }
}

/** `7FE00010` as Orthanc writes it in a path. */
function dashed(tag: string): string {
  return `${tag.slice(0, 4)}-${tag.slice(4)}`.toLowerCase();
}

function sendMultipart(reply: FastifyReply, body: OutgoingMultipart): FastifyReply {
  if (body.length !== undefined) void reply.header('content-length', body.length);
  return reply
    .header('content-type', body.contentType)
    .header('cache-control', 'private, no-cache')
    .send(body.stream);
}

function sendBytes(reply: FastifyReply, type: string, body: ArchiveBytes): FastifyReply {
  if (body.length !== undefined) void reply.header('content-length', body.length);
  return reply.header('content-type', type).header('cache-control', 'private, no-cache').send(body.stream);
}
