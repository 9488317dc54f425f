import { createHash } from 'node:crypto';
import { foldTerm } from '../mapping/words/term.folding.js';

/** The longest key that is stored in full. An index entry of PostgreSQL can have 2,700 bytes, a cell 64 KiB. */
const LONGEST = 300;
const HEAD = 200;

/** The key of a word in the inbox: the folded word. The key of a long text is its beginning and a digest. */
export function wordKey(text: string): string {
  const folded = foldTerm(text);
  if (folded.length <= LONGEST) return folded;
  const digest = createHash('sha256').update(folded).digest('base64url');
  return `${beginningOf(folded, HEAD)}…${digest}`;
}

/** The first UTF-16 units of a text, without half a surrogate pair, which PostgreSQL rejects in JSON. */
export function beginningOf(text: string, units: number): string {
  return text.slice(0, units).replace(/[\uD800-\uDBFF]$/u, '');
}
