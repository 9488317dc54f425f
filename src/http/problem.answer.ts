import type { FastifyReply } from 'fastify';
import type { AffectedRecords, FactorChallenge } from '../problems/errors.js';
import { PROBLEM_STATUS, type ProblemCode } from '../problems/problem.codes.js';

/** The data of an error response. The code determines the status and the title. */
export interface Refusal {
  readonly code: ProblemCode;
  readonly detail: string;
  /** The invalid member of the request body. */
  readonly field?: string;
  /** The written records that a change would also change. */
  readonly affected?: AffectedRecords;
  /** What a client needs to prove a second factor. */
  readonly factorChallenge?: FactorChallenge;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The body of an error response (RFC 9457). It contains no request id and no time, so that equal refusals have equal bytes. */
interface ProblemBody extends Partial<FactorChallenge> {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly code: ProblemCode;
  readonly detail: string;
  readonly field?: string;
  readonly affected?: AffectedRecords;
}

/** The reason phrases of RFC 9110 and RFC 6585. Node's own phrases for 413 and 422 are outdated. */
const TITLES: Readonly<Record<(typeof PROBLEM_STATUS)[ProblemCode], string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  408: 'Request Timeout',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  416: 'Range Not Satisfiable',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  505: 'HTTP Version Not Supported',
  507: 'Insufficient Storage',
};

/** Sends a refusal as `application/problem+json`. Caches must not store this response. */
export function sendRefusal(reply: FastifyReply, refusal: Refusal): void {
  // A header that the route has already set would keep its position in the response. Removing it gives equal refusals the same order of
  // headers.
  for (const name of ['content-type', 'cache-control']) reply.removeHeader(name);
  const body = bodyOf(refusal);
  void reply
    .status(body.status)
    .headers({ 'cache-control': 'no-store', ...refusal.headers })
    .type('application/problem+json')
    .serializer((text: string) => text)
    .send(JSON.stringify(body));
}

/**
 * Returns a refusal as a complete HTTP/1.1 response. Such a response answers a malformed request, for which Fastify has no reply object.
 */
export function rawRefusal(refusal: Refusal): string {
  const problem = bodyOf(refusal);
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    'cache-control: no-store',
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'x-content-type-options: nosniff',
    'connection: close',
  ];
  return [...head, '', body].join('\r\n');
}

function bodyOf({ code, detail, field, affected, factorChallenge }: Refusal): ProblemBody {
  const status = PROBLEM_STATUS[code];
  return {
    type: 'about:blank',
    title: TITLES[status],
    status,
    code,
    detail,
    ...(field === undefined ? {} : { field }),
    ...(affected === undefined ? {} : { affected }),
    ...factorChallenge,
  };
}
