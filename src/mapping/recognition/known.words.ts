import { SHIPPED_TERMS } from '../defaults.js';
import { findIcdCode } from '../values/icd.js';
import { indexConceptMap, lookUpIn } from '../words/concept.map.js';
import type { ColumnProfile } from './column.profile.js';

/** The languages that have a list of known words. */
export const WORD_LANGUAGES = ['en', 'pt', 'es'] as const;
type WordLanguage = (typeof WORD_LANGUAGES)[number];

const lookUp = lookUpIn(indexConceptMap(SHIPPED_TERMS));

const isKnown = (text: string, column: string, language: WordLanguage): boolean =>
  lookUp({ text, column, language }).outcome !== 'unmapped';

const split = (text: string, by: readonly string[]): string[] =>
  by
    .reduce<string[]>((parts, sign) => parts.flatMap((part) => part.split(sign)), [text])
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** The share of the items of a column that are known words or ICD-10 codes. */
function knownShare(
  { distinct, header }: ColumnProfile,
  by: readonly string[],
  languages: readonly WordLanguage[],
): number {
  const items = [...distinct.keys()].flatMap((text) => split(text, by));
  if (items.length === 0) return 0;
  const known = items.filter(
    (item) =>
      findIcdCode(item) !== undefined || languages.some((language) => isKnown(item, header, language)),
  );
  return known.length / items.length;
}

/** Whether most of the items of a column with notes are known words, so that the notes are diagnoses. */
export const hasKnownWords = (profile: ColumnProfile): boolean => {
  const by = separatorsOf(profile, WORD_LANGUAGES);
  return knownShare(profile, by, WORD_LANGUAGES) >= 0.5;
};

/**
 * The separators of the items of a cell. A vertical bar, a semicolon and a line break always separate. A comma, a slash and a plus sign
 * separate only if more of the items are then known, because they also occur inside a diagnosis.
 */
export function separatorsOf(profile: ColumnProfile, languages: readonly WordLanguage[]): string[] {
  const sure = ['|', ';', '\n'].filter((sign) => profile.separators.has(sign));
  const more = [',', '/', '+'].filter(
    (sign) =>
      profile.separators.has(sign) &&
      knownShare(profile, [...sure, sign], languages) > knownShare(profile, sure, languages),
  );
  const found = [...sure, ...more].slice(0, 4);
  return found.length === 0 ? [';'] : found;
}
