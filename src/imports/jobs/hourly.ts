import type { Logger } from '@nestjs/common';
import { noteHandled } from '../../problems/handled.errors.js';

export const HOUR = 3_600_000;

/**
 * Does some work now, beside all else, and again each hour until the function it answers is called. What fails is told by `trouble` and
 * the name of the error alone; the next hour does it.
 */
export function hourly(work: () => Promise<void>, logger: Logger, trouble: string): () => void {
  const turn = () => {
    work().catch((error: unknown) => {
      noteHandled('hourly task', error);
      logger.warn(`${trouble}: ${error instanceof Error ? error.name : 'unknown'}`);
    });
  };
  const timer = setInterval(turn, HOUR).unref();
  turn();
  return () => clearInterval(timer);
}
