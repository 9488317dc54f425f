import { createHash } from 'node:crypto';
import { foldTerm } from '../mapping/words/term.folding.js';

/** The maximum length of a key that is stored in full. A cell can have 64 KiB, but an index entry in PostgreSQL only 2,700 bytes. */
const LONGEST = 300;
const HEAD = 200;

/**
 * The key of a word in the inbox. It is the folded word. The key of a long text consists of the beginning of the folded text and a digest.
 */
export function wordKey(text: string): string {
  const folded = foldTerm(text);
  if (folded.length <= LONGEST) return folded;
  const digest = createHash('sha256').update(folded).digest('base64url');
  return `${beginningOf(folded, HEAD)}…${digest}`;
}

/** The first UTF-16 units of a text. Half a surrogate pair at the end is removed, because PostgreSQL rejects it in JSON. */
export function beginningOf(text: string, units: number): string {
  return text.slice(0, units).replace(/[\uD800-\uDBFF]$/u, '');
}
