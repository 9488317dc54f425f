/** Letters that carry their mark within, so that Unicode does not take them apart. */
const PLAIN: Readonly<Record<string, string>> = {
  ς: 'σ',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  æ: 'ae',
  œ: 'oe',
};

/**
 * Case and accents folded away, white space collapsed: what names and descriptions are compared by. Upper case comes first, for
 * ß and the letters whose lower case depends on their place in a word; whole syllables (Hangul) stay one letter for `?`.
 */
export function fold(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toUpperCase()
    .toLowerCase()
    .replace(/[ςøłđðþæœ]/g, (letter) => PLAIN[letter] ?? letter)
    .normalize('NFC')
    .replace(/\s+/g, ' ')
    .trim();
}
