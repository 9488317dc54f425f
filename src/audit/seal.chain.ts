import { createHash } from 'node:crypto';

/** The action of the audit row that records late seals. This row is sealed together with the late rows. */
export const SEALED_LATE = 'audit sealed late';

/** A row is late if it waits longer than this time for its seal. The audit cannot detect a change of a row that is not sealed yet. */
export const LATE_SECONDS = 60;

/**
 * Returns the hash of a seal. It is the SHA-256 over the hash of the previous seal and the row as PostgreSQL's `to_jsonb` text. The first
 * seal uses an empty previous hash.
 */
export function chainHash(before: Uint8Array, row: string): Buffer {
  return createHash('sha256').update(before).update(row).digest();
}
