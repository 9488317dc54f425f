import { setTimeout as sleep } from 'node:timers/promises';

/** Thrown when another transaction has deleted a row that was just inserted or read. {@link withRetries} retries the transaction. */
export class RowVanished extends Error {}

/**
 * PostgreSQL's error codes for conflicts of concurrent transactions: deadlock, serialization failure, duplicate key, deleted parent row. A
 * retry can succeed.
 */
const RETRYABLE_CODES = new Set(['40P01', '40001', '23505', '23503']);
const ATTEMPTS = 6;

/** Runs a whole transaction, and runs it again after a conflict with another transaction. Throws the error of the last attempt. */
export async function withRetries<T>(work: () => Promise<T>): Promise<T> {
  for (let left = ATTEMPTS - 1; ; left -= 1) {
    try {
      return await work();
    } catch (error) {
      if (left === 0 || !isRetryable(error)) throw error;
      await sleep(10 + Math.random() * 90);
    }
  }
}

/** Whether a retry can succeed. The driver's error may be the `cause` of another error. */
function isRetryable(error: unknown): boolean {
  for (let depth = 0, at = error; depth < 4 && typeof at === 'object' && at !== null; depth += 1) {
    if (at instanceof RowVanished) return true;
    if ('code' in at && typeof at.code === 'string' && RETRYABLE_CODES.has(at.code)) return true;
    at = 'cause' in at ? at.cause : undefined;
  }
  return false;
}
