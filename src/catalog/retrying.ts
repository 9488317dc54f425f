import { setTimeout as sleep } from 'node:timers/promises';

/** A row that was there a moment ago was removed by somebody else: the work begins again. */
export class RowVanished extends Error {}

/** Deadlock, serialization, a key somebody was faster with, a row removed beneath a reference: each goes well when begun again. */
const IN_EACH_OTHERS_WAY = new Set(['40P01', '40001', '23505', '23503']);
const TRIES = 6;

/** Does the work, a whole transaction, again when it met another one; the last failure is thrown. */
export async function withRetries<T>(work: () => Promise<T>): Promise<T> {
  for (let left = TRIES - 1; ; left -= 1) {
    try {
      return await work();
    } catch (error) {
      if (left === 0 || !metAnother(error)) throw error;
      await sleep(10 + Math.random() * 90);
    }
  }
}

/** The driver's error may be wrapped as `cause`. */
function metAnother(error: unknown): boolean {
  for (let depth = 0, at = error; depth < 4 && typeof at === 'object' && at !== null; depth += 1) {
    if (at instanceof RowVanished) return true;
    if ('code' in at && typeof at.code === 'string' && IN_EACH_OTHERS_WAY.has(at.code)) return true;
    at = 'cause' in at ? at.cause : undefined;
  }
  return false;
}
