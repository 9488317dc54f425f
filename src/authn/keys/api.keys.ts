import { newSecret } from '../tokens/tokens.hash.js';

/** The prefix of every API key. It distinguishes keys from access tokens, and secret scanners find it. */
export const API_KEY_PREFIX = 'rgk_';

/** A new API key of a machine account; only its hash is stored. */
export function newApiKey(): string {
  return newSecret(API_KEY_PREFIX);
}
