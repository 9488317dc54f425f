import type { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { type Refusal, sendRefusal } from '../../http/problem.answer.js';
import type { ArchiveBytes } from '../../orthanc/orthanc.connection.js';
import type { OutgoingMultipart } from './multipart.writer.js';

type Headers = Readonly<Record<string, string | number>>;

/** An answer that a service returns and a controller sends. */
export interface DicomwebAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readable | Buffer | undefined;
  /** An error. If present, it is sent instead of the status and body. */
  readonly refusal?: Refusal;
}

/** The request headers that an answer depends on. */
export const VARY = 'Accept, Authorization, Cookie';

/** 304 Not Modified: the client has the current representation. */
export function notModified(etag: string): DicomwebAnswer {
  return { status: 304, headers: revalidated(etag), body: undefined };
}

/** An answer with a multipart body. `etag`: its entity tag, if the client may cache the answer. */
export function multipartAnswer(body: OutgoingMultipart, etag?: string): DicomwebAnswer {
  return bytesAnswer(body.contentType, body, etag);
}

/** An answer with one body of this media type. `etag`: its entity tag, if the client may cache the answer. */
export function bytesAnswer(type: string, { length, stream }: ArchiveBytes, etag?: string): DicomwebAnswer {
  const size = length === undefined ? {} : { 'content-length': length };
  return { status: 200, headers: { ...size, ...revalidated(etag), 'content-type': type }, body: stream };
}

/** An answer whose body is already in memory, or has an unknown length. */
export function bodyAnswer(type: string, body: Readable | Buffer, etag?: string): DicomwebAnswer {
  return { status: 200, headers: { ...revalidated(etag), 'content-type': type }, body };
}

/** Adds headers to an answer. The headers that the answer already has are kept. */
export function withHeaders(answer: DicomwebAnswer, headers: Headers): DicomwebAnswer {
  return { ...answer, headers: { ...headers, ...answer.headers } };
}

/** Headers that let only the client cache the answer. The client must revalidate it each time, because rights can change. */
function revalidated(etag: string | undefined): Headers {
  const tag = etag === undefined ? {} : { etag };
  return { ...tag, 'cache-control': 'private, no-cache', vary: VARY };
}

/** Sends an answer. If `asked` rejects, this function rejects with the same error and sends nothing. */
export async function sendAnswer(
  reply: FastifyReply,
  asked: DicomwebAnswer | Promise<DicomwebAnswer>,
): Promise<FastifyReply> {
  const { status, headers, body, refusal } = await asked;
  const earlier = reply.getHeader('vary');
  void reply.headers(headers);
  // The CORS plugin can already have set `Vary: Origin`.
  if (typeof earlier === 'string' && headers['vary'] !== undefined)
    void reply.header('vary', `${earlier}, ${headers['vary']}`);
  if (refusal !== undefined) {
    sendRefusal(reply, refusal);
    return reply;
  }
  // A refusal has no durations, because they could tell whether the study exists.
  if (status < 300 || status === 304) addTiming(reply);
  return reply.status(status).send(body);
}

function addTiming(reply: FastifyReply): void {
  const timing = reply.request.serverTiming;
  if (timing !== undefined) void reply.header('server-timing', timing.text(reply.elapsedTime));
}
