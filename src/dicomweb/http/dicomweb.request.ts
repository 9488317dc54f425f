import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AuditNote } from '../../audit/audit.note.js';
import type { Actor } from '../../audit/audit.log.js';
import type { Policy } from '../../authz/policy.js';
import type { RightsCheck } from '../../authz/running.requests.js';
import { NotAuthenticated, RightMissing } from '../../problems/errors.js';
import type { AcceptSources } from './accept.js';
import { disconnectSignal } from './disconnect.signal.js';
import { ServerTiming } from './server.timing.js';
import { type TextEncoding, textEncodingOf } from './text.encoding.js';

/** A DICOMweb request for services: typed values instead of Fastify's objects. */
export interface DicomwebRequest extends AcceptSources {
  /** The grants of the account. */
  readonly policy: Policy;
  /** The account, the client's address and the request id, for the audit. */
  readonly actor: Actor;
  /** Aborts when the client closes its connection. */
  readonly signal: AbortSignal;
  /** The headers of conditional and range requests (RFC 9110 §13.1, §14.2). */
  readonly ifNoneMatch: string | undefined;
  readonly ifRange: string | undefined;
  readonly range: string | undefined;
  /** The compression for text that both the client and the gateway have. Otherwise `undefined`. */
  readonly textEncoding: TextEncoding | undefined;
  /** Collects the durations of the parts of the request. */
  readonly timing: ServerTiming;
  /** Whether our nginx sent the request and can send a file of the cache itself. Its requests have this header (infra/nginx). */
  readonly byNginx: boolean;
  /** Adds facts to the audit row of the answer. */
  readonly note: (facts: AuditNote) => void;
  /**
   * Says that the read is already in the audit, so that the answer gets no audit row of its own. If the policy changes while the answer is
   * sent, `rightsCheck` decides whether the new policy allows the answer.
   */
  readonly recorded: (rightsCheck: RightsCheck) => void;
}

/** Passes the typed values of a request to a handler: `@Incoming() request: DicomwebRequest`. Only for routes that require a right. */
export const Incoming = createParamDecorator((_: unknown, context: ExecutionContext): DicomwebRequest => {
  const http = context.switchToHttp();
  const request = http.getRequest<FastifyRequest>();
  const { actor, policy } = request;
  if (policy === undefined) throw new RightMissing();
  if (actor === undefined) throw new NotAuthenticated();
  const timing = new ServerTiming();
  timing.add('auth', http.getResponse<FastifyReply>().elapsedTime);
  request.serverTiming = timing;
  return {
    policy,
    actor,
    signal: disconnectSignal(http.getResponse<FastifyReply>()),
    ...acceptSourcesOf(request),
    ifNoneMatch: request.headers['if-none-match'],
    ifRange: request.headers['if-range']?.toString(),
    range: request.headers.range,
    textEncoding: textEncodingOf(request.headers['accept-encoding']?.toString()),
    timing,
    byNginx: canBeSentByNginx(request),
    note: (facts) => {
      request.auditNote = { ...request.auditNote, ...facts };
    },
    recorded: (rightsCheck) => {
      request.auditCovered = true;
      request.rightsCheck = rightsCheck;
    },
  };
});

/**
 * Whether nginx can send a file as the answer. Fastify lists a second address only if the first one belongs to a trusted proxy. nginx would
 * evaluate the conditions itself, with other results than the gateway.
 */
function canBeSentByNginx({ headers, ips }: FastifyRequest): boolean {
  const isConditional = headers['if-match'] !== undefined || headers['if-unmodified-since'] !== undefined;
  return headers['x-sendfile-type'] === 'X-Accel-Redirect' && (ips?.length ?? 0) > 1 && !isConditional;
}

/** The query string and the `Accept` header of a request. */
export function acceptSourcesOf(request: FastifyRequest): AcceptSources {
  return { query: queryOf(request), accept: request.headers.accept };
}

/** The query string as it was sent: percent-encoded, without the question mark. */
function queryOf(request: FastifyRequest): string {
  const url = request.raw.url ?? '';
  const mark = url.indexOf('?');
  return mark === -1 ? '' : url.slice(mark + 1);
}
