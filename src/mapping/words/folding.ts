const ASCII = /^[\t-\r -~]*$/u;

/** Removes accents, case and repeated white space. Punctuation is kept. */
export function foldText(text: string): string {
  // ASCII has no accents, and most cells are ASCII.
  const plain = ASCII.test(text) ? text : text.normalize('NFKD').replace(/\p{M}+/gu, '');
  return plain.toLowerCase().replace(/\s+/gu, ' ').trim();
}

/**
 * The name of a column for comparison: the folded name, where `_` replaces each sequence of characters other than letters and digits. A
 * leading `_` (report columns) is kept.
 */
export function foldHeader(name: string): string {
  const folded = foldText(name)
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/_+$/u, '');
  return folded;
}
