import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Creates a secret from the prefix and 32 random bytes in base64url. */
export function newSecret(prefix = ''): string {
  return `${prefix}${randomBytes(32).toString('base64url')}`;
}

/** The SHA-256 of a secret. The database stores this hash instead of the secret. Use it only for secrets with enough randomness. */
export function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** Computes an HMAC-SHA256 as base64url. */
export function macOf(key: string | Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}

/** Whether two secrets are equal, compared in constant time. */
export function sameSecret(one: string, other: string): boolean {
  return timingSafeEqual(hashOf(one), hashOf(other));
}
