import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isConnectionLoss } from '../problems/connection.loss.js';
import { databaseRefusal } from '../problems/database.refusals.js';
import {
  BadField,
  ConfirmationNeeded,
  NeighbourAway,
  NotVisible,
  Problem,
  SecondFactorRequired,
  TooMany,
  UnsupportedMedia,
} from '../problems/errors.js';
import { PROBLEM_STATUS } from '../problems/problem.codes.js';
import { challengesFor } from './challenge.js';
import { type Refusal, sendRefusal } from './problem.answer.js';

/** Answers every error with a problem (RFC 9457). The response to an unexpected error is a 500 without any detail about the error. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('problems');

  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const refusal = refusalOf(error);
    if (PROBLEM_STATUS[refusal.code] >= 500) this.logger.error(describe(error));
    if (reply.sent) return;
    if (PROBLEM_STATUS[refusal.code] === 401) {
      const { headers } = host.switchToHttp().getRequest<FastifyRequest>();
      void reply.header('www-authenticate', challengesFor(headers));
    }
    sendRefusal(reply, refusal);
  }
}

const RETRY_SOON = { 'retry-after': '5' };
const INTERNAL: Refusal = {
  code: 'internal-error',
  detail: 'An internal error occurred. Give the operator the X-Request-Id of this response.',
};

/** Returns the refusal for an error. Also used for errors that Nest does not handle, such as Fastify's own errors. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Problem && !(error instanceof NeighbourAway)) return ofProblem(error);
  // The cause of a `NeighbourAway` can be a statement that took too long.
  const refused = databaseRefusal(error);
  if (refused === 'late')
    return {
      code: 'database-timeout',
      detail: 'The database did not finish in time. Ask for less, or try again shortly.',
      headers: RETRY_SOON,
    };
  if (error instanceof NeighbourAway) return ofProblem(error);
  if (refused === 'away' || isConnectionLoss(error)) return ofProblem(new NeighbourAway('postgres'));
  return ofFramework(error);
}

function ofProblem(problem: Problem): Refusal {
  const { code, detail } = problem;
  // The detail of this problem is only for the log.
  if (code === 'internal-error') return INTERNAL;
  if (problem instanceof BadField) return { code, detail, field: problem.field };
  if (problem instanceof ConfirmationNeeded) return { code, detail, affected: problem.affected };
  if (problem instanceof SecondFactorRequired)
    return { code, detail, factorChallenge: problem.factorChallenge };
  if (problem instanceof NeighbourAway) return { code, detail, headers: RETRY_SOON };
  if (problem instanceof TooMany)
    return { code, detail, headers: { 'retry-after': String(problem.retryAfterSeconds) } };
  return { code, detail };
}

function ofFramework(error: unknown): Refusal {
  const status = error instanceof HttpException ? error.getStatus() : statusOf(error);
  if (status === 404) return ofProblem(new NotVisible());
  if (status === 413) return { code: 'body-too-large', detail: 'The body is too large for this route.' };
  if (status === 415)
    return ofProblem(
      new UnsupportedMedia('unsupported-media-type', 'This route does not take the media type of the body.'),
    );
  if (status >= 400 && status < 500)
    return {
      code: 'malformed-request',
      detail: 'Malformed request: the path cannot be decoded, or the body is not valid JSON.',
    };
  return INTERNAL;
}

function statusOf(error: unknown): number {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return 500;
  return typeof error.statusCode === 'number' ? error.statusCode : 500;
}

/**
 * Returns the text for the log. The message of a problem contains no patient data. The message of any other error can quote patient data,
 * so only the name, code and stack of such an error are logged.
 */
function describe(error: unknown): string {
  if (error instanceof Problem) {
    const cause = error.cause === undefined ? '' : `, because ${describe(error.cause)}`;
    return `${error.constructor.name}: ${error.message}${cause}`;
  }
  if (!(error instanceof Error)) return 'a value that is not an Error was thrown';
  const code = 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : '';
  const frames = error.stack?.split('\n').filter((line) => line.startsWith('    at ')) ?? [];
  return `${error.name}${code}\n${frames.slice(0, 8).join('\n')}`;
}
