/** Removes accents, case and repeated white space. Punctuation stays. */
export function foldText(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/\s+/gu, ' ')
    .trim();
}

/** The name of a column for comparison: folded, with `_` for each run of other characters. A leading `_` (report columns) stays. */
export function foldHeader(name: string): string {
  const folded = foldText(name)
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/_+$/u, '');
  return folded;
}
