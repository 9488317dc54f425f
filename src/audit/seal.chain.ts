import { createHash } from 'node:crypto';

/** The action of the row that says which rows were sealed late; it is sealed with them. */
export const SEALED_LATE = 'audit sealed late';

/** A row without a seal for longer than this (seconds) counts as late: whether it was changed meanwhile cannot be known. */
export const LATE_SECONDS = 60;

/** The hash of a seal: SHA-256 over the hash of the seal before (empty for the first) and the row as PostgreSQL's `to_jsonb` text. */
export function chainHash(before: Uint8Array, row: string): Buffer {
  return createHash('sha256').update(before).update(row).digest();
}
