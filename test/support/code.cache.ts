import { statSync } from 'node:fs';

/**
 * The file with V8's code cache of a bundle. V8 does not notice that a cache belongs to an earlier bundle, so the name contains the time of
 * the bundle.
 */
export function codeCacheOf(bundle: string): string {
  return `${bundle}.${Math.round(statSync(bundle).mtimeMs)}.code`;
}
