import { foldText } from '../words/folding.js';

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));

/** Words at the start of a name that are titles. A word that is also a given name, for example "Don", is missing. */
const TITLES = words(
  'dr dra drs sr sra srta srs prof profa profª doutor doutora senhor senhora dona mr mrs ms mx miss mister doctor rev padre ' +
    'doña senor senora señor señora mme mlle monsieur madame mademoiselle docteur herr frau fraulein',
);
/** Words at the end of a name that are degrees or generations. */
const SUFFIXES = words('ii iii iv v md phd dds dvm mba msc esq esquire cpa rph');
/** Generations. In Portuguese, they belong to the family name. */
const GENERATIONS = words('jr sr junior senior');
/** Words in a name that say something about the patient. */
const STATES =
  'falecid[oa]|obito|morto|morta|deceased|died|dead|fallecid[oa]|difunt[oa]|decede|decedee|verstorben|obitou|in memoriam|teste|test patient';
const STATE_AT_END = new RegExp(`[\\s,;-]+(?:${STATES})$`, 'u');
const STATE = new RegExp(`(?:^|[^\\p{L}])(?:${STATES})(?:[^\\p{L}]|$)`, 'u');
const BRACKETS = /\s*(?:\([^)]*\)?|\[[^\]]*\]?|\{[^}]*\}?)/gu;
const DAGGER = /\s*[†✝✞]\s*/gu;
/** The name of a newborn who has no name yet, for example "RN de Maria". */
const NEWBORN =
  /^(?:r\.?n\.?|recem[- ]nascid[oa]|recien nacid[oa]|b\/o|bb|baby|bebe|nouveau[- ]ne|neugeborenes)\s+(?:(?:boy|girl)\b|(?:de|da|do|of|von)\s)/u;

const plainWord = (word: string): string => foldText(word).replace(/[.,]/gu, '');

/** Countries in which "M." before a name means "monsieur". Elsewhere, it is an initial. */
const FRANCOPHONE = new Set(['FR', 'BE', 'LU', 'MC', 'SN', 'CI', 'MA', 'TN', 'DZ']);

/** Whether a word is a title such as "Dr.". `country` is the country of the list. */
export const isTitle = (word: string, country: string): boolean =>
  TITLES.has(plainWord(word)) || (FRANCOPHONE.has(country) && /^m\.?$/iu.test(word));

/**
 * Whether a word at the end of a name is a degree or a generation, for example "MD" or "III". `lusophone`: whether Júnior belongs to the
 * family name.
 */
export function isSuffix(word: string, lusophone: boolean): boolean {
  const plain = plainWord(word);
  return SUFFIXES.has(plain) || (!lusophone && GENERATIONS.has(plain));
}

/** Whether a text is the temporary name of a newborn. */
export const isNewbornName = (text: string): boolean => NEWBORN.test(foldText(text));

/**
 * Removes notes that are no part of a name: texts in brackets, a dagger, words such as "deceased" at the end, and a text with digits after
 * a dash. `noted` is true if there was a note. A name that would become empty is kept.
 */
export function withoutNotes(text: string): { readonly name: string; readonly noted: boolean } {
  let name = text.replace(BRACKETS, ' ').replace(DAGGER, ' ').trim();
  const [before = '', ...after] = name.split(/\s+[-–—]\s+/u);
  const rest = after.join(' ');
  if (rest !== '' && (/\d/u.test(rest) || STATE.test(foldText(rest)))) name = before;
  const folded = foldText(name);
  const ending = STATE_AT_END.exec(folded)?.[0];
  if (ending !== undefined) {
    const count = ending.split(/[^\p{L}]+/u).filter((word) => word !== '').length;
    name = name
      .split(/\s+/u)
      .slice(0, -count)
      .join(' ')
      .replace(/[\s,;–—-]+$/u, '');
  }
  name = name.trim();
  if (name === '' || !/\p{L}/u.test(name)) return { name: text, noted: false };
  // Removing a note from the middle leaves two spaces. A text without a note stays as it is written.
  const noted = name !== text;
  return { name: noted ? name.replace(/\s+/gu, ' ') : text, noted };
}
