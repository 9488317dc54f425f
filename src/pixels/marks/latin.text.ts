/**
 * Letters that Unicode does not decompose into a Latin letter and a mark, and Cyrillic and Greek letters. Each is followed by its Latin
 * letters.
 */
const LATIN: ReadonlyMap<string, string> = new Map(
  (
    'ßss øo łl đd ðd þth æae œoe ıi ħh ŋn аa бb вv гg дd еe жzh зz иi кk лl мm нn оo пp рr сs тt уu фf хkh цts чch ' +
    'шsh щshch ъ ыy ь эe юyu яya єie іi ґg ђdj јj љlj њnj ћc џdz αa βv γg δd εe ζz ηi θth ιi κk λl μm νn ξx οo πp ' +
    'ρr σs ςs τt υy φf χch ψps ωo'
  )
    .split(' ')
    .map((pair) => [pair.slice(0, 1), pair.slice(1)] as const),
);
const SIGNS: Readonly<Record<string, string>> = {
  '–': '-',
  '—': '-',
  '’': "'",
  '‘': "'",
  '“': '"',
  '”': '"',
};

/**
 * Writes a text with ASCII characters and combining marks. Cyrillic and Greek letters are transliterated. Control characters become spaces.
 * Characters of other scripts are kept; they are drawn as boxes.
 */
export function latinText(text: string): string {
  const letters = Array.from(text.normalize('NFC').replace(/\p{C}/gu, ' '), (letter) => {
    // Cyrillic й and ё are letters of their own, so they are not decomposed.
    const [base = letter, ...marks] = letter.normalize('NFD');
    const latin = LATIN.get(base.toLowerCase());
    if (latin === undefined) return SIGNS[letter] ?? letter.normalize('NFD');
    return base === base.toLowerCase()
      ? `${latin}${/[ßøłđðþæœıħŋ]/.test(base) ? marks.join('') : ''}`
      : capitalised(latin);
  });
  return letters.join('').replaceAll(/\s/g, ' ');
}

function capitalised(latin: string): string {
  return latin.slice(0, 1).toUpperCase() + latin.slice(1);
}
