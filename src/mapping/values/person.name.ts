import type { HumanName } from '@medplum/fhirtypes';
import type { IssueCode } from '../issue.codes.js';
import { foldText } from '../words/folding.js';
import { isNewbornName, isSuffix, isTitle, withoutNotes } from './name.notes.js';

const PARTICLES = new Set(['da', 'de', 'di', 'do', 'das', 'dos', 'del']);
const SUFFIXES = new Set(['filho', 'filha', 'junior', 'jr', 'jr.', 'neto', 'neta', 'sobrinho', 'sobrinha']);
/** Countries where Júnior and Filho belong to the family name. */
const LUSOPHONE = new Set(['BR', 'PT', 'AO', 'MZ', 'CV', 'GW', 'ST', 'TL']);
/** Countries where most people have two family names, and the first of them is the main one. */
const HISPANIC = new Set('ES MX AR CO CL PE VE EC GT CU BO DO HN PY SV NI CR PA UY PR GQ'.split(' '));
/** The articles that can follow the particle `de`. */
const ARTICLES = new Set(['la', 'las', 'los', 'lo']);

/** A name, and the codes of the findings about the cell. */
export interface ReadName {
  readonly name: HumanName;
  readonly codes: readonly IssueCode[];
}

/** The order of the parts of a name without a comma. */
export type NameOrder = 'given-first' | 'family-first';

/**
 * Reads a full name. `country` is the country of the list. "Silva, Ana" is the family name Silva. Titles and degrees become `prefix` and
 * `suffix`. Notes such as "(deceased)" are left out. `text` is the cell without the notes. If the words do not show where the family name
 * begins, the name has only a text: names of three or more parts in a Spanish list, or with the family name first.
 */
export function readFullName(cell: string, country: string, order: NameOrder = 'given-first'): ReadName {
  const { name: text, noted } = withoutNotes(cell);
  const codes: IssueCode[] = noted ? ['name-note'] : [];
  if (isNewbornName(text)) return { name: { use: 'temp', text }, codes: [...codes, 'name-temporary'] };
  const lusophone = LUSOPHONE.has(country);
  const halves = text
    .split(',')
    .map((half) => half.trim())
    .filter((half) => half !== '');
  const suffix: string[] = [];
  // "Souza, MD" and "Smith, John, Jr." have only suffixes after the last comma.
  while (halves.length > 1 && wordsOf(halves.at(-1)).every((word) => isSuffix(word, lusophone)))
    suffix.unshift(...wordsOf(halves.pop()));
  if (halves.length > 2) return { name: { use: 'official', text }, codes: [...codes, 'name-unclear'] };
  const [first = text, second] = halves;
  const titled = takeTitles(second === undefined ? wordsOf(first) : wordsOf(second), country);
  const prefix = [...titled.prefix];
  suffix.unshift(...titled.suffix);
  let name: HumanName;
  if (second === undefined)
    name =
      splitByCapitals(text, titled.words) ??
      splitWords(text, titled.words, { isHispanic: HISPANIC.has(country), order });
  else {
    const family = takeTitles(wordsOf(first), country);
    prefix.unshift(...family.prefix);
    suffix.unshift(...family.suffix);
    name = { use: 'official', text, family: family.words.join(' '), given: [...titled.words] };
  }
  if (prefix.length + suffix.length > 0) codes.push('name-title');
  const isSplit = name.family !== undefined;
  if (!isSplit && name.given === undefined) codes.push('name-unclear');
  else if (second === undefined && !isSplit && !codes.includes('name-title')) codes.push('name-single');
  return { name: withTitles(name, prefix, suffix), codes };
}

/** Reads a name from a cell with the given names and a cell with the family name. `text` contains both cells without their notes. */
export function readNameParts(
  given: string | undefined,
  family: string | undefined,
  country: string,
): ReadName {
  const [ours, theirs] = [given, family].map((cell) => (cell === undefined ? undefined : withoutNotes(cell)));
  const codes: IssueCode[] = ours?.noted === true || theirs?.noted === true ? ['name-note'] : [];
  const text = [ours?.name, theirs?.name].filter((part) => part !== undefined).join(' ');
  if (isNewbornName(text)) return { name: { use: 'temp', text }, codes: [...codes, 'name-temporary'] };
  const first = takeTitles(wordsOf(ours?.name), country);
  const last = takeTitles(wordsOf(theirs?.name?.replaceAll(',', ' ')), country);
  const prefix = [...first.prefix, ...last.prefix];
  const suffix = [...first.suffix, ...last.suffix];
  if (prefix.length + suffix.length > 0) codes.push('name-title');
  const familyName = last.words.length === 0 ? {} : { family: last.words.join(' ') };
  const givenNames = first.words.length === 0 ? {} : { given: [...first.words] };
  return { name: withTitles({ use: 'official', text, ...familyName, ...givenNames }, prefix, suffix), codes };
}

const wordsOf = (text: string | undefined): string[] =>
  text?.split(/\s+/u).filter((word) => word !== '') ?? [];

interface Titled {
  readonly prefix: readonly string[];
  readonly words: readonly string[];
  readonly suffix: readonly string[];
}

/** Separates the titles and suffixes from the words of a name. At least one word stays a name. */
function takeTitles(words: readonly string[], country: string): Titled {
  const lusophone = LUSOPHONE.has(country);
  let [start, end] = [0, words.length];
  while (start < end - 1 && isTitle(words[start] ?? '', country)) start += 1;
  while (end > start + 1 && isSuffix(words[end - 1] ?? '', lusophone)) end -= 1;
  return { prefix: words.slice(0, start), words: words.slice(start, end), suffix: words.slice(end) };
}

function withTitles(name: HumanName, prefix: readonly string[], suffix: readonly string[]): HumanName {
  return {
    ...name,
    ...(prefix.length === 0 ? {} : { prefix: [...prefix] }),
    ...(suffix.length === 0 ? {} : { suffix: [...suffix] }),
  };
}

const isCapitals = (word: string): boolean => /^\p{Lu}[\p{Lu}'’-]+$/u.test(word);
const isCapitalised = (word: string): boolean => /^\p{Lu}.*\p{Ll}/u.test(word);

/**
 * Splits a name whose family name is in capital letters, such as `DUPONT Marie` or `Marie DUPONT`. Undefined if the capital letters do not
 * show the family name, for example if all words have them.
 */
function splitByCapitals(text: string, words: readonly string[]): HumanName | undefined {
  const isFirst = isCapitals(words[0] ?? '');
  const parts = isFirst ? words : words.toReversed();
  const count = parts.findIndex((word) => !isCapitals(word) && !PARTICLES.has(word));
  const others = parts.slice(count);
  if (count < 1 || others.length === 0 || !others.every((word) => isCapitalised(word))) return undefined;
  const family = parts.slice(0, count);
  if (!family.some(isCapitals)) return undefined;
  // In `JOSE da Silva`, the particle belongs to the words after it.
  if (isFirst && PARTICLES.has(family.at(-1) ?? '')) return undefined;
  const inOrder = (some: readonly string[]): string[] => (isFirst ? [...some] : some.toReversed());
  return { use: 'official', text, family: inOrder(family).join(' '), given: inOrder(others) };
}

interface NameCustom {
  readonly isHispanic: boolean;
  readonly order: NameOrder;
}

/**
 * Splits a full name. The last part is the family name, and the other parts are given names. With `family-first`, the first of two parts is
 * the family name. Of three or more parts, several can be family names with this order and in a Spanish list, so such a name is not split.
 */
function splitWords(text: string, words: readonly string[], { isHispanic, order }: NameCustom): HumanName {
  const parts = partsOf(words, isHispanic);
  const [first = '', last = ''] = parts;
  const isFamilyFirst = order === 'family-first';
  if (parts.length < 2) return { use: 'official', text, given: parts };
  // María de la Luz and María del Carmen are given names.
  const isMarian = isHispanic && foldText(first) === 'maria' && /^del? /u.test(foldText(last));
  if ((isHispanic || isFamilyFirst) && (parts.length > 2 || isMarian)) return { use: 'official', text };
  if (isFamilyFirst) return { use: 'official', text, family: first, given: [last] };
  return { use: 'official', text, family: parts.at(-1) ?? last, given: parts.slice(0, -1) };
}

/** Whether a word can only be a particle: it is in lower case, and other words of the name are not. */
const isLowered = (word: string, words: readonly string[]): boolean =>
  /^\p{Ll}[\p{Ll}'’.]*$/u.test(word) && words.some((one) => /^\p{Lu}/u.test(one));

/**
 * The parts of a name. A particle such as `da`, `de la` or `von der` belongs to the next word. `e`, and `y` in a Spanish name, join the
 * words before and after. Filho, Júnior, Neto and Sobrinho belong to the family name.
 */
function partsOf(words: readonly string[], isHispanic: boolean): string[] {
  const parts: string[] = [];
  let open = '';
  for (const [at, word] of words.entries()) {
    const folded = foldText(word);
    const joins = folded === 'e' || word === 'y' || (isHispanic && folded === 'y');
    if (joins && parts.length > 1 && open === '' && at < words.length - 1) {
      open = `${parts.pop()} ${word} `;
      continue;
    }
    const isArticle = ARTICLES.has(folded) && /(?:^|\s)de $/iu.test(open);
    const isParticle = PARTICLES.has(folded) || isArticle || (at > 0 && isLowered(word, words));
    if ((isParticle || joins) && at < words.length - 1) {
      open += `${word} `;
      continue;
    }
    // A suffix such as Filho is a separate part only when no other part follows the given name.
    if (SUFFIXES.has(folded) && parts.length > 1 && open === '') parts.push(`${parts.pop()} ${word}`);
    else parts.push(open + word);
    open = '';
  }
  return parts;
}
