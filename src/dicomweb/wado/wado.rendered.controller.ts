import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { May, Requires } from '../../authz/authz.guard.js';
import type { Policy } from '../../authz/policy.js';
import type { FoundInstances } from '../../catalog/lookup.service.js';
import { SeriesUid, SopUid, StudyUid } from '../../dicom/uids.js';
import { NotVisible } from '../../problems/errors.js';
import { acceptedBy } from '../http/accept.js';
import { disconnectSignal } from '../http/disconnect.signal.js';
import { FrameList } from './frame.list.js';
import { documentsOf, framesOf, picturesOf, representativeOf } from './pictures.service.js';
import { negotiateDocuments } from './rendered.negotiation.js';
import { RenderedReplies } from './rendered.replies.js';
import { Retrieval } from './retrieval.service.js';
import { StudyParam } from '../http/uid.params.js';

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
    const found = await this.retrieval.find(policy, { study, series, instance }, disconnectSignal(reply));
    if (instance === undefined) return this.whole(request, reply, found);
    return this.replies.instance(request, reply, found);
  }

  /** Pictures of a study or series; of one without images its documents. */
  private whole(request: FastifyRequest, reply: FastifyReply, found: FoundInstances): Promise<FastifyReply> {
    const [first, ...rest] = documentsOf(found);
    if (first === undefined) return this.replies.frames(request, reply, found, picturesOf(found));
    const documents: FoundInstances = { ...found, instances: [first, ...rest] };
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
    const found = await this.retrieval.find(policy, { study, series, instance }, disconnectSignal(reply));
    const [one] = found.instances;
    if (frames.some((frame) => frame < 1 || frame > one.frames)) throw new NotVisible();
    return this.replies.frames(request, reply, found, framesOf(one, frames));
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
    const found = await this.retrieval.find(policy, { study, series, instance }, disconnectSignal(reply));
    const [one] = found.instances;
    if (frames?.some((frame) => frame < 1 || frame > one.frames)) throw new NotVisible();
    const shown = frames === undefined ? representativeOf(found) : framesOf(one, frames)[0];
    const { rows = THUMBNAIL.height, columns = THUMBNAIL.width } = shown.instance;
    const small = { width: Math.min(columns, THUMBNAIL.width), height: Math.min(rows, THUMBNAIL.height) };
    return this.replies.frames(request, reply, found, [shown], small);
  }
}
