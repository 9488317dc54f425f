import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { May, Requires } from '../authz/authz.guard.js';
import type { Policy } from '../authz/policy.js';
import type { Found } from '../catalog/lookup.service.js';
import { SeriesUid, SopUid, StudyUid } from '../catalog/uids.js';
import { NotVisible } from '../problems/errors.js';
import { acceptedBy } from './accept.js';
import { FrameList } from './frame.list.js';
import { documentsOf, type FramesOf, framesOf, picturesOf, representativeOf } from './pictures.service.js';
import { demandType, negotiateDocuments, negotiatePictures } from './rendered.negotiation.js';
import { type RenderedQuery, readRenderedQuery } from './rendered.query.js';
import { RenderedReplies } from './rendered.replies.js';
import { Retrieval } from './retrieval.service.js';
import { ENCAPSULATED_PDF, videoType } from './transfer.syntaxes.js';
import { StudyParam } from './uid.params.js';

const THUMBNAIL = { width: 128, height: 128 };

const OptionalSeries = { schema: SeriesUid.optional() };
const OptionalInstance = { schema: SopUid.optional() };
const INSTANCE = 'series/:series/instances/:instance';

/** What a person looks at: pictures, documents, videos (PS3.18 §10.4.1.1.3 and §10.4.1.1.4). */
@Controller('dicom-web/studies/:study')
@Requires('studies:read')
export class WadoRenderedController {
  constructor(
    private readonly retrieval: Retrieval,
    private readonly replies: RenderedReplies,
  ) {}

  /** A picture of each image of a study or series, in parts, or its documents where there are no images; of an instance its first frame, or its document or video. */
  @Get(['rendered', 'series/:series/rendered', `${INSTANCE}/rendered`])
  async rendered(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @May() policy: Policy,
    @Param('study', StudyParam) study: StudyUid,
    @Param('series', OptionalSeries) series: SeriesUid | undefined,
    @Param('instance', OptionalInstance) instance: SopUid | undefined,
  ): Promise<FastifyReply> {
    const found = await this.retrieval.find(policy, { study, series, instance });
    const [one] = found.instances;
    if (instance === undefined) return this.whole(request, reply, found);
    if (one.sopClassUid === ENCAPSULATED_PDF) {
      demandType(acceptedBy(request), 'application/pdf');
      return this.replies.document(request, reply, found);
    }
    const video = videoType(one.transferSyntax);
    if (video !== undefined) {
      demandType(acceptedBy(request), video);
      return this.replies.video(request, reply, found, video);
    }
    // One body shows the first frame; who asks for parts has them all.
    const inParts = acceptedBy(request)[0]?.type.startsWith('multipart/') === true;
    return this.send(request, reply, found, framesOf(one, inParts ? 'all' : [1]));
  }

  /** Pictures of a study or series; of one without images its documents. */
  private whole(request: FastifyRequest, reply: FastifyReply, found: Found): Promise<FastifyReply> {
    const [first, ...rest] = documentsOf(found);
    if (first === undefined) return this.send(request, reply, found, picturesOf(found));
    const documents: Found = { ...found, instances: [first, ...rest] };
    const form = negotiateDocuments(acceptedBy(request), rest.length === 0);
    return form === 'body'
      ? this.replies.document(request, reply, documents)
      : this.replies.documents(request, reply, documents);
  }

  /** Pictures of frames. */
  @Get(`${INSTANCE}/frames/:frames/rendered`)
  async frames(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @May() policy: Policy,
    @Param('study', StudyParam) study: StudyUid,
    @Param('series', OptionalSeries) series: SeriesUid,
    @Param('instance', OptionalInstance) instance: SopUid,
    @Param('frames', { schema: FrameList }) frames: number[],
  ): Promise<FastifyReply> {
    const found = await this.retrieval.find(policy, { study, series, instance });
    const [one] = found.instances;
    if (frames.some((frame) => frame < 1 || frame > one.frames)) throw new NotVisible();
    return this.send(request, reply, found, framesOf(one, frames));
  }

  /** One small picture that stands for a study, series, instance or frame. */
  @Get([
    'thumbnail',
    'series/:series/thumbnail',
    `${INSTANCE}/thumbnail`,
    `${INSTANCE}/frames/:frames/thumbnail`,
  ])
  async thumbnail(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @May() policy: Policy,
    @Param('study', StudyParam) study: StudyUid,
    @Param('series', OptionalSeries) series: SeriesUid | undefined,
    @Param('instance', OptionalInstance) instance: SopUid | undefined,
    @Param('frames', { schema: FrameList.optional() }) frames: number[] | undefined,
  ): Promise<FastifyReply> {
    const found = await this.retrieval.find(policy, { study, series, instance });
    const [one] = found.instances;
    if (frames?.some((frame) => frame < 1 || frame > one.frames)) throw new NotVisible();
    const shown = frames === undefined ? representativeOf(found) : framesOf(one, frames)[0];
    const { rows = THUMBNAIL.height, columns = THUMBNAIL.width } = shown.instance;
    const small = { width: Math.min(columns, THUMBNAIL.width), height: Math.min(rows, THUMBNAIL.height) };
    return this.send(request, reply, found, [shown], small);
  }

  private send(
    request: FastifyRequest,
    reply: FastifyReply,
    found: Found,
    frames: FramesOf,
    viewport?: RenderedQuery['viewport'],
  ): Promise<FastifyReply> {
    const query = { ...(viewport === undefined ? {} : { viewport }), ...readRenderedQuery(request) };
    const representation = negotiatePictures(acceptedBy(request), frames.length === 1);
    return this.replies.pictures(request, reply, found, frames, representation, query);
  }
}
