import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FoundInstances } from '../../catalog/lookup.service.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import { sendRefusal } from '../../http/problem.answer.js';
import { cut, rangeWithin } from '../http/byte.range.js';
import { acceptedBy } from '../http/accept.js';
import { metered } from '../http/metering.js';
import { type FramesOf, framesOf, Pictures } from './pictures.service.js';
import { demandType, negotiatePictures, type PictureRepresentation } from './rendered.negotiation.js';
import { readRenderedQuery, type RenderedQuery } from './rendered.query.js';
import { Retrieval } from './retrieval.service.js';
import { StoredFrames } from './stored.frames.js';
import { ENCAPSULATED_PDF, videoType } from '../../dicom/transfer.syntaxes.js';
import { etagOf, isHeld, sendBytes, sendMultipart, sendUnchanged } from '../http/stream.reply.js';

/** Answers that a person looks at, after they were found and agreed upon: recorded, with an entity tag, 304 when held. */
@Injectable()
export class RenderedReplies {
  constructor(
    private readonly retrieval: Retrieval,
    private readonly made: Pictures,
    private readonly stored: StoredFrames,
  ) {}

  /** One instance: its document or video, or pictures of its frames (PS3.18 §10.4.1.1.3). Throws `NotAcceptable`. */
  instance(request: FastifyRequest, reply: FastifyReply, found: FoundInstances): Promise<FastifyReply> {
    const [one] = found.instances;
    const accepted = acceptedBy(request);
    if (one.sopClassUid === ENCAPSULATED_PDF) {
      demandType(accepted, 'application/pdf');
      return this.document(request, reply, found);
    }
    const video = videoType(one.transferSyntax);
    if (video !== undefined) {
      demandType(accepted, video);
      return this.video(request, reply, found, video);
    }
    // One body shows the first frame; who asks for parts has them all.
    const inParts = accepted[0]?.type.startsWith('multipart/') === true;
    return this.frames(request, reply, found, framesOf(one, inParts ? 'all' : [1]));
  }

  /** Pictures of these frames as the request wants them; `viewport` where it names none. Throws `NotAcceptable`. */
  frames(
    request: FastifyRequest,
    reply: FastifyReply,
    found: FoundInstances,
    frames: FramesOf,
    viewport?: RenderedQuery['viewport'],
  ): Promise<FastifyReply> {
    const query = { ...(viewport === undefined ? {} : { viewport }), ...readRenderedQuery(request) };
    const representation = negotiatePictures(acceptedBy(request), frames.length === 1);
    return this.pictures(request, reply, found, frames, representation, query);
  }

  /** Pictures of these frames, in parts or the first as one body. */
  async pictures(
    request: FastifyRequest,
    reply: FastifyReply,
    found: FoundInstances,
    frames: FramesOf,
    representation: PictureRepresentation,
    query: RenderedQuery,
  ): Promise<FastifyReply> {
    const opened = await this.retrieval.open(request, found, 'rendered');
    const numbers = frames.map(({ instance, frame }) => [instance.sopUid, frame]);
    const strength = representation.multipart ? 'weak' : 'strong';
    const etag = etagOf(found, [numbers, representation, query], strength);
    if (isHeld(request, etag)) return sendUnchanged(reply, etag);
    if (representation.multipart)
      return sendMultipart(reply, await this.made.inParts(opened, frames, representation, query), etag);
    const bytes = await this.made.one(opened, frames[0], representation, query);
    return sendBytes(reply, representation.type, bytes, etag);
  }

  /** The document of an encapsulated PDF. */
  async document(request: FastifyRequest, reply: FastifyReply, found: FoundInstances): Promise<FastifyReply> {
    const opened = await this.retrieval.open(request, found, 'rendered');
    const etag = etagOf(found, ['pdf'], 'strong');
    if (isHeld(request, etag)) return sendUnchanged(reply, etag);
    return sendBytes(reply, 'application/pdf', await this.retrieval.pdf(opened, opened.instances[0]), etag);
  }

  /** The documents of these encapsulated PDFs, one part each. */
  async documents(
    request: FastifyRequest,
    reply: FastifyReply,
    found: FoundInstances,
  ): Promise<FastifyReply> {
    const opened = await this.retrieval.open(request, found, 'rendered');
    const etag = etagOf(found, ['pdf', 'parts'], 'weak');
    if (isHeld(request, etag)) return sendUnchanged(reply, etag);
    return sendMultipart(reply, await this.retrieval.pdfsInParts(opened), etag);
  }

  /** A video of this media type; browsers play one by asking for ranges of it. */
  async video(
    request: FastifyRequest,
    reply: FastifyReply,
    found: FoundInstances,
    type: string,
  ): Promise<FastifyReply> {
    const opened = await this.retrieval.open(request, found, 'rendered');
    const etag = etagOf(found, ['video'], 'strong');
    if (isHeld(request, etag)) return sendUnchanged(reply, etag);
    const bytes = await this.stored.frame(opened.instances[0], 1, opened.instances[0].size);
    const offered = (what: ArchiveBytes) => metered(what, { instances: 1 }, opened.offered);
    void reply.header('accept-ranges', 'bytes');
    const unchanged = [undefined, etag].includes(request.headers['if-range']?.toString());
    const range =
      bytes.length === undefined || !unchanged ? undefined : rangeWithin(request.headers.range, bytes.length);
    if (range === undefined || bytes.length === undefined)
      return sendBytes(reply, type, offered(bytes), etag);
    if (range === 'unsatisfiable') {
      bytes.stream.destroy();
      const headers = { 'content-range': `bytes */${bytes.length}` };
      const detail = 'The video is shorter than that.';
      sendRefusal(reply, { code: 'range-not-satisfiable', detail, headers });
      return reply;
    }
    void reply.header('content-range', `bytes ${range.first}-${range.last}/${bytes.length}`).status(206);
    return sendBytes(reply, type, offered(cut(bytes, range)), etag);
  }
}
