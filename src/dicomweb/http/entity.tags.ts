import { createHash } from 'node:crypto';
import { contentDigest } from '../../catalog/content.digest.js';
import type { FoundInstances } from '../../catalog/lookup.service.js';

/**
 * The entity tag (RFC 9110 §8.8.3) of a representation. It depends on the stored content and on `choices`, the values that select the
 * representation. A weak tag is for representations with equal meaning but different bytes: for example, the boundaries between parts
 * differ.
 */
export function etagOf(
  found: FoundInstances,
  choices: readonly unknown[],
  strength: 'weak' | 'strong',
): string {
  const hash = createHash('sha256').update(`${JSON.stringify(choices)}\n${contentDigest(found.instances)}`);
  return `${strength === 'weak' ? 'W/' : ''}"${hash.digest('base64url').slice(0, 27)}"`;
}

/** Whether an `If-None-Match` header is `*` or contains this entity tag. The comparison is weak. */
export function matchesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const opaque = etag.replace(/^W\//, '');
  const tags = ifNoneMatch.match(/\*|(?:W\/)?"[^"]*"/g) ?? [];
  return tags.some((tag) => tag === '*' || tag.replace(/^W\//, '') === opaque);
}
