import { newSecret } from '../tokens/tokens.hash.js';

/** The prefix of every API key. It distinguishes keys from access tokens, and secret scanners recognise it. */
export const API_KEY_PREFIX = 'rgk_';

/** Creates an API key for a machine account. Only the hash of the key is stored. */
export function newApiKey(): string {
  return newSecret(API_KEY_PREFIX);
}
