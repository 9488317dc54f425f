import { Logger } from '@nestjs/common';
import { Problem } from './errors.js';

/** Background work that continues after an error in one of its steps. Only the operator is informed of the error. */
export type HandledWork =
  | 'batch ingest'
  | 'reservation renewal'
  | 'reservation release'
  | 'reservation of several uploads'
  | 'completion of several uploads'
  | 'quarantine decision'
  | 'purge'
  | 'audit refusals'
  | 'audit check'
  | 'audit totals'
  | 'staged files'
  | 'signing key file'
  | 'hourly task'
  | 'unreadable header'
  | 'cache'
  | 'bodies made in advance';

/** At most one line is logged in this time for each kind of work. The line contains the number of errors since the previous line. */
const LINE_MS = 10_000;

const logger = new Logger('handled');
const counts = new Map<HandledWork, { total: number; unlogged: number; loggedAt: number }>();

/** Returns the number of handled errors since the start of the process, for each kind of work. */
export function handledErrors(): readonly (readonly [work: HandledWork, total: number])[] {
  return [...counts].map(([work, { total }]) => [work, total] as const);
}

/**
 * Counts an error that does not stop the work, and logs the name of the error. Does not log the message of a driver error, because the
 * message may quote data.
 */
export function noteHandled(work: HandledWork, error: unknown): void {
  const count = counts.get(work) ?? { total: 0, unlogged: 0, loggedAt: Number.NEGATIVE_INFINITY };
  counts.set(work, count);
  count.total += 1;
  count.unlogged += 1;
  const now = performance.now();
  if (now - count.loggedAt < LINE_MS) return;
  logger.warn({ event: 'an error was handled', work, error: nameOfError(error), times: count.unlogged });
  count.unlogged = 0;
  count.loggedAt = now;
}

/**
 * Returns the message of a {@link Problem}, which contains no data. For any other error, returns only the name and code of its innermost
 * cause, because drivers quote rows in their messages.
 */
export function nameOfError(error: unknown): string {
  if (error instanceof Problem) return error.message;
  let at = error;
  for (let depth = 0; depth < 4 && at instanceof Error && at.cause instanceof Error; depth += 1)
    at = at.cause;
  if (!(at instanceof Error)) return 'unknown';
  return 'code' in at && typeof at.code === 'string' ? `${at.name} ${at.code}` : at.name;
}
