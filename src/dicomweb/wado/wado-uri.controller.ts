import { Controller, Get, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { May, Requires } from '../../authz/authz.guard.js';
import type { Policy } from '../../authz/policy.js';
import type { FoundInstances, FoundInstance } from '../../catalog/lookup.service.js';
import { BadRequest, NotAcceptable, NotVisible } from '../../problems/errors.js';
import { acceptedBy, covers, type MediaRange } from '../http/accept.js';
import { disconnectSignal } from '../http/disconnect.signal.js';
import { framesOf } from './pictures.service.js';
import { negotiatePictures, renderedTypesOf } from './rendered.negotiation.js';
import { RenderedReplies } from './rendered.replies.js';
import { Retrieval } from './retrieval.service.js';
import { videoType } from '../../dicom/transfer.syntaxes.js';
import { queryOf } from '../http/uid.params.js';
import { negotiateFile } from './wado.negotiation.js';
import { sendBytes } from '../http/stream.reply.js';
import { readWadoUriQuery, type WadoUriQuery } from './wado-uri.query.js';

const FILE = 'application/dicom';

/** Retrieve DICOM Instance and Retrieve Rendered Instance of the URI service (PS3.18 §9.4, §9.5). */
@Controller('wado')
@Requires('studies:read')
export class WadoUriController {
  constructor(
    private readonly retrieval: Retrieval,
    private readonly replies: RenderedReplies,
  ) {}

  /**
   * One instance by its whole chain of UIDs, as a DICOM file or rendered; 404 when the chain names nothing that is visible, 406 in a
   * media type it is not available as.
   */
  @Get()
  async instance(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @May() policy: Policy,
  ): Promise<FastifyReply> {
    const query = readWadoUriQuery(queryOf(request));
    request.auditNote = { studyUid: query.target.study };
    const found = await this.retrieval.find(policy, query.target, disconnectSignal(reply));
    const [one] = found.instances;
    // A frame is a picture: a file holds all of them.
    const type = chosenType(query.contentType ?? acceptedBy(request), one, query.frame !== undefined);
    if (type === FILE) return this.file(request, reply, found, query);
    if (query.transferSyntax !== undefined)
      throw new BadRequest('invalid-parameter', 'transferSyntax is of contentType=application/dicom alone.');
    if (type === 'application/pdf') return this.replies.document(request, reply, found);
    if (type === videoType(one.transferSyntax)) return this.replies.video(request, reply, found, type);
    const { frame = 1, picture } = query;
    if (frame < 1 || frame > one.frames) throw new NotVisible();
    const representation = negotiatePictures([rangeOf(type)], true);
    return this.replies.pictures(request, reply, found, framesOf(one, [frame]), representation, picture);
  }

  private async file(
    request: FastifyRequest,
    reply: FastifyReply,
    found: FoundInstances,
    { transferSyntax }: WadoUriQuery,
  ): Promise<FastifyReply> {
    const wish = transferSyntax === undefined ? {} : { 'transfer-syntax': transferSyntax };
    const { into } = negotiateFile([rangeOf(FILE, wish)], found.instances, true);
    const opened = await this.retrieval.open(request, found, 'instance');
    return sendBytes(reply, FILE, await this.retrieval.file(opened, found.instances[0], into));
  }
}

/** The media type this instance is sent as: the best liked of those it has, in its own order between equals. Throws `NotAcceptable`. */
function chosenType(accepted: readonly MediaRange[], instance: FoundInstance, isFrame: boolean): string {
  const offered = typesOf(instance).filter((type) => !isFrame || type.startsWith('image/'));
  const type = accepted.flatMap((range) => offered.filter((one) => covers(range, one)))[0];
  if (type !== undefined) return type;
  throw new NotAcceptable(
    'not-acceptable',
    offered.length === 0
      ? 'This instance has no frames that can be shown.'
      : `This is available as ${offered.join(', ')}.`,
  );
}

/** What an instance can be sent as, its default first (PS3.18 §8.7.4): a single frame as a picture, several as a file. */
function typesOf(instance: FoundInstance): readonly string[] {
  const rendered = renderedTypesOf(instance);
  const isCine = rendered.includes('image/jpeg') && instance.frames !== 1;
  return isCine ? [FILE, ...rendered] : [...rendered, FILE];
}

function rangeOf(type: string, parameters: Readonly<Record<string, string>> = {}): MediaRange {
  return { type, parameters: new Map(Object.entries(parameters)), q: 1 };
}
