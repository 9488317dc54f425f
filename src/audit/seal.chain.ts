import { createHash } from 'node:crypto';

/** The action of the audit row that records late seals. It is sealed with them. */
export const SEALED_LATE = 'audit sealed late';

/** A row counts as late when it waits longer than this for its seal (seconds): a change during that time cannot be detected. */
export const LATE_SECONDS = 60;

/** The hash of a seal: SHA-256 over the hash of the previous seal (empty for the first) and the row as PostgreSQL's `to_jsonb` text. */
export function chainHash(before: Uint8Array, row: string): Buffer {
  return createHash('sha256').update(before).update(row).digest();
}
