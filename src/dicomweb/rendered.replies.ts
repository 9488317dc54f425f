import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Found } from '../catalog/lookup.service.js';
import type { ArchiveBytes } from '../orthanc/orthanc.connection.js';
import { sendRefusal } from '../problems/problem.filter.js';
import { cut, rangeWithin } from './byte.range.js';
import { offering } from './offered.bytes.js';
import { type FramesOf, Pictures } from './pictures.service.js';
import type { PictureRepresentation } from './rendered.negotiation.js';
import type { RenderedQuery } from './rendered.query.js';
import { Retrieval } from './retrieval.service.js';
import { etagOf, isHeld, sendBytes, sendMultipart, sendUnchanged } from './wado.reply.js';

/** Answers that a person looks at, after they were found and agreed upon: recorded, with an entity tag, 304 when held. */
@Injectable()
export class RenderedReplies {
  constructor(
    private readonly retrieval: Retrieval,
    private readonly made: Pictures,
  ) {}

  /** Pictures of these frames, in parts or the first as one body. */
  async pictures(
    request: FastifyRequest,
    reply: FastifyReply,
    found: Found,
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
  async document(request: FastifyRequest, reply: FastifyReply, found: Found): Promise<FastifyReply> {
    const opened = await this.retrieval.open(request, found, 'rendered');
    const etag = etagOf(found, ['pdf'], 'strong');
    if (isHeld(request, etag)) return sendUnchanged(reply, etag);
    return sendBytes(reply, 'application/pdf', await this.retrieval.pdf(opened, opened.instances[0]), etag);
  }

  /** The documents of these encapsulated PDFs, one part each. */
  async documents(request: FastifyRequest, reply: FastifyReply, found: Found): Promise<FastifyReply> {
    const opened = await this.retrieval.open(request, found, 'rendered');
    const etag = etagOf(found, ['pdf', 'parts'], 'weak');
    if (isHeld(request, etag)) return sendUnchanged(reply, etag);
    return sendMultipart(reply, await this.retrieval.pdfsInParts(opened), etag);
  }

  /** A video of this media type; browsers play one by asking for ranges of it. */
  async video(
    request: FastifyRequest,
    reply: FastifyReply,
    found: Found,
    type: string,
  ): Promise<FastifyReply> {
    const opened = await this.retrieval.open(request, found, 'rendered');
    const etag = etagOf(found, ['video'], 'strong');
    if (isHeld(request, etag)) return sendUnchanged(reply, etag);
    const bytes = await this.retrieval.video(opened.instances[0]);
    const offered = (what: ArchiveBytes) => offering(what, { instances: 1 }, opened.offered);
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
      sendRefusal(reply, { status: 416, title: 'Range Not Satisfiable', detail, headers });
      return reply;
    }
    void reply.header('content-range', `bytes ${range.first}-${range.last}/${bytes.length}`).status(206);
    return sendBytes(reply, type, offered(cut(bytes, range)), etag);
  }
}
