/** Accents, case and doubled white space folded away; punctuation stays. */
export function foldText(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/\s+/gu, ' ')
    .trim();
}

/** A column's name as it is compared: folded, everything but letters and digits as one `_`; the leading `_` of report columns stays. */
export function foldHeader(name: string): string {
  const folded = foldText(name)
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/_+$/u, '');
  return folded;
}
