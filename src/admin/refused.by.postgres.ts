/** The SQLSTATE codes `unique_violation` (TAKEN) and `foreign_key_violation` (GONE). */
const TAKEN = '23505';
const GONE = '23503';

/** Whether PostgreSQL rejected a row because the name in the row is taken. */
export function isTaken(error: unknown): boolean {
  return hasCode(error, TAKEN);
}

/** Whether PostgreSQL rejected a row because it refers to a row that was deleted. */
export function isGone(error: unknown): boolean {
  return hasCode(error, GONE);
}

function hasCode(error: unknown, code: string): boolean {
  for (let depth = 0, at = error; depth < 4 && typeof at === 'object' && at !== null; depth += 1) {
    if ('code' in at && at.code === code) return true;
    at = 'cause' in at ? at.cause : undefined;
  }
  return false;
}
