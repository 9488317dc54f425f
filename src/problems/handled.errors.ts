import { Logger } from '@nestjs/common';
import { Problem } from './errors.js';

/** Work that goes on when a step of it fails; the failure is told to the operator, and to nobody else. */
export type HandledWork =
  | 'batch ingest'
  | 'reservation renewal'
  | 'reservation release'
  | 'quarantine decision'
  | 'audit refusals'
  | 'audit totals'
  | 'staged files'
  | 'signing key file'
  | 'hourly task'
  | 'unreadable header';

/** One line of a kind in this time, with the number that were left out: a database that is away fails everything at once. */
const LINE_MS = 10_000;

const logger = new Logger('handled');
const counts = new Map<HandledWork, { total: number; untold: number; toldAt: number }>();

/** How many errors were handled since the process began, by the work that met them. */
export function handledErrors(): readonly (readonly [work: HandledWork, total: number])[] {
  return [...counts].map(([work, { total }]) => [work, total] as const);
}

/** Counts an error after which the work goes on, and logs its name: never its message, which may quote data. */
export function noteHandled(work: HandledWork, error: unknown): void {
  const count = counts.get(work) ?? { total: 0, untold: 0, toldAt: Number.NEGATIVE_INFINITY };
  counts.set(work, count);
  count.total += 1;
  count.untold += 1;
  const now = performance.now();
  if (now - count.toldAt < LINE_MS) return;
  logger.warn({ event: 'an error was handled', work, error: nameOf(error), times: count.untold });
  count.untold = 0;
  count.toldAt = now;
}

/** Our own problems are worded without data. Of others the innermost name and code: drivers quote statements and rows. */
function nameOf(error: unknown): string {
  if (error instanceof Problem) return error.message;
  let at = error;
  for (let depth = 0; depth < 4 && at instanceof Error && at.cause instanceof Error; depth += 1)
    at = at.cause;
  if (!(at instanceof Error)) return 'unknown';
  return 'code' in at && typeof at.code === 'string' ? `${at.name} ${at.code}` : at.name;
}
