import { newSecret } from '../tokens/tokens.hash.js';

/** What every API key begins with, so that it is told from an access token and found by secret scanners. */
export const API_KEY_PREFIX = 'rgk_';

/** A new API key of a machine account; only its hash is stored. */
export function newApiKey(): string {
  return newSecret(API_KEY_PREFIX);
}
