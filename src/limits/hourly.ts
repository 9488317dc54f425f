import type { Logger } from '@nestjs/common';
import { noteHandled } from '../problems/handled.errors.js';

export const HOUR = 3_600_000;

/**
 * Runs `work` in the background now and once an hour, until the returned function is called. A failure is logged with `warning` and the
 * name of the error. A failure does not change the time of the next run.
 */
export function hourly(work: () => Promise<void>, logger: Logger, warning: string): () => void {
  const run = () => {
    work().catch((error: unknown) => {
      noteHandled('hourly task', error);
      logger.warn(`${warning}: ${error instanceof Error ? error.name : 'unknown'}`);
    });
  };
  const timer = setInterval(run, HOUR).unref();
  run();
  return () => clearInterval(timer);
}
