import { createHash } from 'node:crypto';

/** What identifies the stored content of an instance. */
export interface StoredContent {
  readonly orthancId: string;
  /** When this content was stored. If the content is replaced, the time changes. */
  readonly storedAt: Date;
}

/** The digests by list. A list is never changed, and a list with other instances is another object. */
const digests = new WeakMap<readonly StoredContent[], string>();

/** A digest of the content of all instances, in their order. It is computed once for each list. */
export function contentDigest(instances: readonly StoredContent[]): string {
  const known = digests.get(instances);
  if (known !== undefined) return known;
  const hash = createHash('sha256');
  for (const { orthancId, storedAt } of instances) hash.update(`${orthancId} ${storedAt.getTime()}\n`);
  const digest = hash.digest('base64url');
  digests.set(instances, digest);
  return digest;
}

/** Gives a list the digest of another list with the same instances. */
export function shareDigest(from: readonly StoredContent[], to: readonly StoredContent[]): void {
  digests.set(to, contentDigest(from));
}
