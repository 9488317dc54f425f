import type { ColumnProfile } from './column.profile.js';
import type { HeaderReading, ScoredMeaning } from './header.reader.js';
import { hasKnownWords } from './known.words.js';
import { IDENTIFYING } from './meanings.js';
import { fitOf, shownMeanings } from './value.fit.js';

/** A possible meaning of a column with a confidence from 0 to 1 and the reason in words. */
export interface Candidate {
  readonly meaning: string;
  readonly confidence: number;
  readonly reason: string;
  /** Whether most of the values do not fit the meaning. */
  readonly contradicted?: true;
}

/** A column of the list with its possible meanings, best first. */
export interface ReadColumn {
  readonly at: number;
  readonly header: string;
  readonly profile: ColumnProfile;
  /** The UCUM code of the unit in the name of the column. */
  readonly unit?: string | undefined;
  readonly candidates: readonly Candidate[];
}

/** The languages of the dictionary in words. */
export const LANGUAGE_NAMES = {
  en: 'English',
  pt: 'Portuguese',
  es: 'Spanish',
  fr: 'French',
  de: 'German',
} as const;
const CERTAIN = 0.99;
const CONFIRMED = 0.09;

/** The possible meanings of the columns, from their names and their values. */
export function readColumns(
  headers: readonly HeaderReading[],
  profiles: readonly ColumnProfile[],
): ReadColumn[] {
  const columns = headers.flatMap((header, at): ReadColumn[] => {
    const profile = profiles[at];
    if (profile === undefined) return [];
    const named = header.meanings.map((one) => candidateOf(one, profile));
    const shown = shownMeanings(profile).filter(
      ({ meaning }) => !named.some((one) => one.meaning === meaning),
    );
    const fitting = named.filter(({ contradicted }) => contradicted !== true);
    // Values decide alone only if no meaning of the name fits them. A number of a patient can be a national number with check digits.
    const added = shown.flatMap((one) => {
      if (fitting.length === 0) return [one];
      const isNumber =
        IDENTIFYING.has(one.meaning) && fitting.some(({ meaning }) => IDENTIFYING.has(meaning));
      return isNumber ? [{ ...one, confidence: CERTAIN }] : [];
    });
    const candidates = [...added, ...named].sort((one, other) => other.confidence - one.confidence);
    return [{ at, header: header.header, profile, unit: header.unit, candidates }];
  });
  return withRelations(columns);
}

function candidateOf({ meaning, score, found, languages }: ScoredMeaning, profile: ColumnProfile): Candidate {
  const where = languages.map((one) => LANGUAGE_NAMES[one]).join(', ');
  const name =
    found === 'exact'
      ? `The name is in the dictionary (${where}).`
      : `The name resembles one of the dictionary (${where}).`;
  if (profile.filled === 0)
    return { meaning, confidence: score * 0.8, reason: `${name} The column is empty.` };
  const fit = fitOf(meaning, profile);
  if (fit === undefined) return { meaning, confidence: score, reason: name };
  const fitting = Math.round(fit.share * profile.filled);
  const reason = `${name} ${fitting} of ${profile.filled} values are ${fit.what}.`;
  if (fit.share >= 0.9) return { meaning, confidence: Math.min(CERTAIN, score + CONFIRMED), reason };
  if (fit.share >= 0.5) return { meaning, confidence: score - (1 - fit.share) * 0.4, reason };
  return {
    meaning,
    confidence: score * 0.4,
    reason: `${reason} The values contradict the name.`,
    contradicted: true,
  };
}

const best = ({ candidates }: ReadColumn): string | undefined => candidates[0]?.meaning;

const OF_VISITS = new Set(['discharge_date', 'visit_class']);
const OF_RESULTS = new Set([
  'test_name',
  'test_code',
  'result_unit',
  'reference_range',
  'range_low',
  'range_high',
]);

/** Changes meanings that depend on the other columns: a name beside a family name is the given name, and a counter is no record number. */
function withRelations(columns: readonly ReadColumn[]): ReadColumn[] {
  const has = (meaning: string) => columns.some((column) => best(column) === meaning);
  const identifies = (column: ReadColumn) => IDENTIFYING.has(best(column) ?? '');
  const assumed = columns.some((column) => identifies(column)) ? undefined : columns.find(looksLikeNumber);
  return columns.map((column) => {
    const [first, ...others] = column.candidates;
    if (column === assumed) return { ...column, candidates: [ASSUMED_NUMBER] };
    if (first === undefined) return column;
    const as = (meaning: string, reason: string, confidence = first.confidence): ReadColumn => ({
      ...column,
      candidates: [{ meaning, confidence, reason: `${first.reason} ${reason}` }, ...others],
    });
    if (first.meaning === 'name') {
      if (has('family_name')) return as('given_name', 'Another column has the family name.');
      if (has('given_name')) return as('family_name', 'Another column has the given name.');
      return as('full_name', 'No other column has a part of the name.');
    }
    const { profile } = column;
    if (first.meaning === 'full_name' && has('given_name') && !has('family_name') && hasSingleWords(profile))
      return as('family_name', 'Another column has the given name.');
    const isCoded = (profile.shapes.get('icd') ?? 0) >= profile.filled * 0.9 && profile.filled > 0;
    if (first.meaning === 'diagnoses' && isCoded) return as('diagnosis_code', 'The values are ICD-10 codes.');
    if (first.meaning === 'diagnosis_code' && profile.filled > 0 && !isCoded && !has('diagnoses'))
      return as('diagnoses', 'The values are not only codes.', 0.7);
    if (first.meaning === 'notes')
      return hasKnownWords(profile)
        ? as('diagnoses', 'Most of the values are known diagnoses.', 0.75)
        : as('diagnoses', 'The values are notes.', 0.3);
    const isOnly = !columns.some((other) => other.at !== column.at && identifies(other));
    if (first.meaning === 'mrn' && profile.counts && !isOnly)
      return as('row_number', 'The values count the rows, and another column identifies the patients.');
    if (first.meaning === 'row_number' && !profile.counts && isOnly && profile.filled > 0)
      return as('mrn', 'No other column identifies the patients.', 0.6);
    if (OF_RESULTS.has(first.meaning) && !has('result_value'))
      return as('not_imported', 'The list has no column with the value of a result.', 0.5);
    if (first.meaning === 'specimen' && !has('result_value'))
      return as('not_imported', 'The list has no column with the value of a result.');
    if (OF_VISITS.has(first.meaning) && !has('visit_date') && !has('visit_number'))
      return as('not_imported', 'The list has neither the start nor the number of a visit.');
    if (first.meaning === 'result_value' && !has('test_name') && !has('test_code'))
      return as('not_imported', 'The list has no column with the name of a test.', 0.5);
    return column;
  });
}

/** Whether most texts of a column are one word. */
const hasSingleWords = ({ distinct }: ColumnProfile): boolean =>
  [...distinct.keys()].filter((text) => /[\s,]/u.test(text)).length < distinct.size / 2;

/** The confidence of a record number that only its values suggest. */
export const ASSUMED_CONFIDENCE = 0.5;
const ASSUMED_NUMBER: Candidate = {
  meaning: 'mrn',
  confidence: ASSUMED_CONFIDENCE,
  reason: 'No name of a column says that it identifies the patients. The values of this column are codes.',
};

/** Whether an unknown column can be a record number: all its values are codes, and they do not count the rows. */
const looksLikeNumber = ({ candidates, profile }: ReadColumn): boolean =>
  candidates.length === 0 &&
  profile.filled > 1 &&
  !profile.counts &&
  profile.distinct.size > 1 &&
  (profile.shapes.get('code') ?? 0) === profile.filled &&
  (profile.shapes.get('date') ?? 0) === 0;
