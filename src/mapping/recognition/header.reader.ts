import { unitOf } from '../values/units.js';
import {
  exactMeanings,
  type HeaderMeaning,
  headerKey,
  LIST_LANGUAGES,
  type ListLanguage,
  looseMeanings,
} from './header.dictionary.js';
import { MEASURED_KINDS } from './measured.kinds.js';

/** What the name of a column says: its possible meanings, best first, and a unit. */
export interface HeaderReading {
  readonly header: string;
  readonly meanings: readonly ScoredMeaning[];
  /** The UCUM code of the unit in the name, as in `Glucose (mg/dL)`. */
  readonly unit?: string;
}

/** A meaning with a confidence from 0 to 1, and the way in which the name was found in the dictionary. */
export interface ScoredMeaning {
  readonly meaning: string;
  readonly score: number;
  readonly found: 'exact' | 'loose';
  readonly languages: readonly ListLanguage[];
}

const BRACKETS = /[[(]\s*(?<inside>[^\])]*?)\s*[\])]/u;
const WORDS_OF_UNITS = 3;

/** Reads the name of a column. `language` is the language of the list, if it is known. */
export function readColumnName(header: string, language?: ListLanguage): HeaderReading {
  const forms = formsOf(header);
  for (const { name, unit: own, isNumbered } of forms) {
    const meanings = meaningsOf(name, language).filter(
      ({ meaning }) =>
        (own === undefined || takesUnit(meaning)) && (isNumbered !== true || NUMBERED.has(meaning)),
    );
    const [first] = meanings;
    if (first === undefined) continue;
    // The dictionary can know a name with its unit, as in `HbA1c (%)`.
    const unit = takesUnit(first.meaning) ? forms.find((form) => form.unit !== undefined)?.unit : undefined;
    return { header, meanings, ...(unit === undefined ? {} : { unit }) };
  }
  return { header, meanings: [] };
}

/** Reads the names of all columns. Together, they decide the language, and the language decides between their meanings. */
export function readColumnNames(names: readonly string[], language?: ListLanguage): HeaderReading[] {
  const chosen = language ?? languageOf(names);
  return names.map((name) => readColumnName(name, chosen));
}

/** The language in which most of the names are in the dictionary. A name that several languages share counts less. */
export function languageOf(names: readonly string[]): ListLanguage | undefined {
  const votes = new Map<ListLanguage, number>();
  for (const name of names) {
    const [best] = readColumnName(name).meanings;
    for (const language of best?.languages ?? [])
      votes.set(language, (votes.get(language) ?? 0) + 1 / (best?.languages.length ?? 1));
  }
  const most = Math.max(0, ...votes.values());
  return most === 0 ? undefined : LIST_LANGUAGES.find((one) => votes.get(one) === most);
}

const takesUnit = (meaning: string): boolean =>
  MEASURED_KINDS.has(meaning) || ['blood_pressure', 'result_value', 'age'].includes(meaning);

interface HeaderForm {
  readonly name: string;
  readonly unit: string | undefined;
  /** Whether a number at the end of the name was left out. */
  readonly isNumbered?: true;
}

/** The meanings of columns that a list can have several times, with a number at the end of their names. */
const NUMBERED = new Set([
  'phone',
  'email',
  'diagnoses',
  'diagnosis_code',
  'notes',
  'allergies',
  'medications',
  'procedures',
  'address',
]);

/** The name as it is written, and the name without a unit or a note in brackets. */
function formsOf(header: string): HeaderForm[] {
  const forms: HeaderForm[] = [{ name: header, unit: undefined }];
  const inside = BRACKETS.exec(header)?.groups?.['inside'];
  const outside = header.replace(BRACKETS, ' ');
  if (inside !== undefined && (unitOf(inside) !== undefined || isExplanation(inside, outside)))
    forms.push({ name: outside, unit: unitOf(inside) });
  const words = header.split(/[\s_]+/u);
  for (let count = WORDS_OF_UNITS; count >= 1; count -= 1) {
    if (words.length <= count) continue;
    const [name, last] = [words.slice(0, -count).join(' '), words.slice(-count)];
    // A header such as `glucose_mg_dl` writes a slash as an underscore.
    const unit = unitOf(last.join(' ')) ?? unitOf(last.join('/'));
    if (unit !== undefined && (last.join('').length > 1 || unit === '%')) forms.push({ name, unit });
  }
  const numbered = /^(?<name>.*\p{L}.*?)[\s_.-]*\d{1,2}$/u.exec(header)?.groups?.['name'];
  if (numbered !== undefined) forms.push({ name: numbered, unit: undefined, isNumbered: true });
  const comma = /^(?<name>.*\p{L}.*?)\s*,\s*(?<unit>\S{1,15})$/u.exec(header)?.groups;
  const unit = comma === undefined ? undefined : unitOf(comma['unit'] ?? '');
  if (unit !== undefined) forms.push({ name: comma?.['name'] ?? '', unit });
  return forms;
}

/** Whether a text in brackets explains the name and does not change its meaning: `(dd/mm/yyyy)`, `(M/F)`, or another name of the same thing. */
function isExplanation(inside: string, outside: string): boolean {
  if (/^[dmyjatghs/.\-:\s]+$/iu.test(inside) || /^(?:[mfwdhxvou](?:[/,|\s]+|$)){2,}$/iu.test(inside))
    return true;
  const own = new Set(exactMeanings(headerKey(outside)).map(({ meaning }) => meaning));
  return exactMeanings(headerKey(inside)).some(({ meaning }) => own.has(meaning));
}

function meaningsOf(name: string, language: ListLanguage | undefined): ScoredMeaning[] {
  const key = headerKey(name);
  const found = exactMeanings(key);
  if (found.length > 0) return scored(found, 'exact', language);
  return scored(looseMeanings(key), 'loose', language);
}

function scored(
  found: readonly HeaderMeaning[],
  how: ScoredMeaning['found'],
  language: ListLanguage | undefined,
): ScoredMeaning[] {
  const base = how === 'exact' ? 0.9 : 0.75;
  return [...Map.groupBy(found, ({ meaning }) => meaning)]
    .map(([meaning, hits]): ScoredMeaning => {
      const languages = [...new Set(hits.map((hit) => hit.language))];
      const isForeign = language !== undefined && !languages.includes(language);
      return { meaning, score: isForeign ? base - 0.15 : base, found: how, languages };
    })
    .sort((one, other) => other.score - one.score);
}
