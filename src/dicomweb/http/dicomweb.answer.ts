import type { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { type Refusal, sendRefusal } from '../../http/problem.answer.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import type { OutgoingMultipart } from './multipart.writer.js';

type Headers = Readonly<Record<string, string | number>>;

/** An answer as a service gives it and a controller sends it. */
export interface DicomwebAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readable | Buffer | undefined;
  /** Sent in place of status and body. */
  readonly refusal?: Refusal;
}

/** The request headers that an answer depends on. */
export const VARY = 'Accept, Authorization, Cookie';

/** 304 Not Modified: the client has the current representation. */
export function notModified(etag: string): DicomwebAnswer {
  return { status: 304, headers: revalidated(etag), body: undefined };
}

/** A body in parts; `etag` where the client may keep it. */
export function multipartAnswer(body: OutgoingMultipart, etag?: string): DicomwebAnswer {
  return bytesAnswer(body.contentType, body, etag);
}

/** One body of this media type; `etag` where the client may keep it. */
export function bytesAnswer(type: string, { length, stream }: ArchiveBytes, etag?: string): DicomwebAnswer {
  const size = length === undefined ? {} : { 'content-length': length };
  return { status: 200, headers: { ...size, ...revalidated(etag), 'content-type': type }, body: stream };
}

/** A body that is already in memory, or whose length is unknown. */
export function bodyAnswer(type: string, body: Readable | Buffer, etag?: string): DicomwebAnswer {
  return { status: 200, headers: { ...revalidated(etag), 'content-type': type }, body };
}

/** The same answer with further headers. */
export function withHeaders(answer: DicomwebAnswer, headers: Headers): DicomwebAnswer {
  return { ...answer, headers: { ...headers, ...answer.headers } };
}

/** Only the client may keep the answer, and asks again each time, because rights may have changed. */
function revalidated(etag: string | undefined): Headers {
  const tag = etag === undefined ? {} : { etag };
  return { ...tag, 'cache-control': 'private, no-cache', vary: VARY };
}

/** Sends an answer. Rejects as `asked` does, before anything is sent. */
export async function sendAnswer(
  reply: FastifyReply,
  asked: DicomwebAnswer | Promise<DicomwebAnswer>,
): Promise<FastifyReply> {
  const { status, headers, body, refusal } = await asked;
  const earlier = reply.getHeader('vary');
  void reply.headers(headers);
  // The CORS plugin may have set `Vary: Origin` before.
  if (typeof earlier === 'string' && headers['vary'] !== undefined)
    void reply.header('vary', `${earlier}, ${headers['vary']}`);
  if (refusal !== undefined) {
    sendRefusal(reply, refusal);
    return reply;
  }
  return reply.status(status).send(body);
}
