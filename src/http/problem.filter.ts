import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { databaseRefusal } from '../problems/database.refusals.js';
import * as problems from '../problems/errors.js';

/** An answer of RFC 9457, with nothing that differs between two equal refusals. */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly field?: string;
}

/** An error as HTTP says it. */
export interface Refusal {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly field?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Says an error in HTTP: the one map from what happened to a status (contract.md). Unknown errors are 500 without words. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('problems');

  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const refusal = refusalOf(error);
    if (refusal.status >= 500) this.logger.error(describe(error));
    if (!reply.sent) sendRefusal(reply, refusal);
  }
}

/** Writes a refusal as `application/problem+json`, never stored by a cache. */
export function sendRefusal(reply: FastifyReply, refusal: Refusal): void {
  // What the route had said already would come first: refusals are equal to the byte, the order of their headers too.
  for (const name of ['content-type', 'cache-control']) reply.removeHeader(name);
  void reply
    .status(refusal.status)
    .headers({ 'cache-control': 'no-store', ...refusal.headers })
    .type('application/problem+json')
    .serializer((body: string) => body)
    .send(JSON.stringify(bodyOf(refusal)));
}

/** A refusal as a whole answer of HTTP/1.1, for what never became a request. */
export function rawRefusal(refusal: Refusal): string {
  const body = JSON.stringify(bodyOf(refusal));
  const head = [
    `HTTP/1.1 ${refusal.status} ${refusal.title}`,
    'cache-control: no-store',
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'x-content-type-options: nosniff',
    'connection: close',
  ];
  return [...head, '', body].join('\r\n');
}

/** The refusal as a body of RFC 9457. */
function bodyOf({ status, title, detail, field }: Refusal): ProblemBody {
  return { type: 'about:blank', title, status, detail, ...(field === undefined ? {} : { field }) };
}

const RETRY = { 'retry-after': '5' };

/** Which status an error is; exported for answers that are made outside Nest (Fastify's own refusals). */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof problems.NotAuthenticated)
    return { status: 401, title: 'Unauthorized', detail: 'Valid credentials are needed.' };
  if (error instanceof problems.RightMissing)
    return { status: 403, title: 'Forbidden', detail: 'No group of this account grants the needed right.' };
  if (error instanceof problems.ForgerySuspected)
    return { status: 403, title: 'Forbidden', detail: error.message };
  // 403 would confirm that the study exists.
  if (error instanceof problems.NotVisible)
    return { status: 404, title: 'Not Found', detail: 'There is no such thing here.' };
  if (error instanceof problems.BadField)
    return { status: 422, title: 'Unprocessable Content', detail: error.message, field: error.field };
  if (error instanceof problems.BadRequest)
    return { status: 400, title: 'Bad Request', detail: error.message };
  if (error instanceof problems.Conflict) return { status: 409, title: 'Conflict', detail: error.message };
  if (error instanceof problems.Stale)
    return {
      status: 412,
      title: 'Precondition Failed',
      detail: 'It was changed meanwhile. Read it again.',
    };
  if (error instanceof problems.NotAcceptable)
    return { status: 406, title: 'Not Acceptable', detail: error.message };
  if (error instanceof problems.UnsupportedMedia)
    return { status: 415, title: 'Unsupported Media Type', detail: error.message };
  if (error instanceof problems.TooMany)
    return {
      status: 429,
      title: 'Too Many Requests',
      detail: 'Too many attempts. Wait and try again.',
      headers: { 'retry-after': String(error.retryAfterSeconds) },
    };
  if (error instanceof problems.NoRoom)
    return {
      status: 507,
      title: 'Insufficient Storage',
      detail: 'There is no room for this file. The operator finds it in the log.',
    };
  const refused = databaseRefusal(error);
  if (refused === 'late')
    return {
      status: 503,
      title: 'Service Unavailable',
      detail: 'The database did not finish in time. Ask for less, or try again shortly.',
      headers: RETRY,
    };
  if (error instanceof problems.NeighbourAway || refused === 'away' || isConnectionLoss(error))
    return {
      status: 503,
      title: 'Service Unavailable',
      detail: 'A part of the service is away. Try again shortly.',
      headers: RETRY,
    };
  if (error instanceof problems.NotConfigured)
    return { status: 503, title: 'Service Unavailable', detail: error.message };
  if (error instanceof problems.UpstreamFailed)
    return { status: 502, title: 'Bad Gateway', detail: 'The archive gave an unusable answer.' };
  return ofFramework(error);
}

function ofFramework(error: unknown): Refusal {
  const status = error instanceof HttpException ? error.getStatus() : statusOf(error);
  if (status === 404) return refusalOf(new problems.NotVisible());
  if (status === 413)
    return { status, title: 'Content Too Large', detail: 'The body is too large for this route.' };
  if (status === 415)
    return refusalOf(
      new problems.UnsupportedMedia('unsupported-media-type', 'This route does not take that media type.'),
    );
  if (status >= 400 && status < 500)
    return { status, title: 'Bad Request', detail: 'The request could not be understood.' };
  return {
    status: 500,
    title: 'Internal Server Error',
    detail: 'Something failed here. The operator finds it in the log.',
  };
}

function statusOf(error: unknown): number {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return 500;
  return typeof error.statusCode === 'number' ? error.statusCode : 500;
}

const CONNECTION_LOST = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'UND_ERR_ABORTED',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
]);

/** undici, Node and the driver of PostgreSQL say by code that a neighbour is lost, at times wrapped as `cause`. */
function isConnectionLoss(error: unknown): boolean {
  for (let depth = 0, at = error; depth < 4 && typeof at === 'object' && at !== null; depth += 1) {
    if ('code' in at && typeof at.code === 'string' && CONNECTION_LOST.has(at.code)) return true;
    at = 'cause' in at ? at.cause : undefined;
  }
  return false;
}

/** Name and stack for the log; messages of our own problems hold no patient data, those of drivers may, so only their code. */
function describe(error: unknown): string {
  if (error instanceof problems.Problem) {
    const cause = error.cause === undefined ? '' : `, because ${describe(error.cause)}`;
    return `${error.constructor.name}: ${error.message}${cause}`;
  }
  if (!(error instanceof Error)) return 'a thing that is no error was thrown';
  const code = 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : '';
  const frames = error.stack?.split('\n').filter((line) => line.startsWith('    at ')) ?? [];
  return `${error.name}${code}\n${frames.slice(0, 8).join('\n')}`;
}
