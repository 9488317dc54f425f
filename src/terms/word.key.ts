import { createHash } from 'node:crypto';
import { foldTerm } from '../mapping/words/term.folding.js';

/** The longest key that is kept in full: an entry of an index in PostgreSQL holds 2,700 bytes, a cell of a list 64 KiB. */
const LONGEST = 300;
const HEAD = 200;

/** What a word is known by in the inbox: folded; of what is no word but a novel the beginning and a digest. */
export function wordKey(text: string): string {
  const folded = foldTerm(text);
  if (folded.length <= LONGEST) return folded;
  const digest = createHash('sha256').update(folded).digest('base64url');
  return `${beginningOf(folded, HEAD)}…${digest}`;
}

/** At most so many UTF-16 units, no letter cut in two: half a letter is no JSON for PostgreSQL. */
export function beginningOf(text: string, units: number): string {
  return text.slice(0, units).replace(/[\uD800-\uDBFF]$/u, '');
}
