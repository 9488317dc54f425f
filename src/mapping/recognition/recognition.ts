import type { MappingDocument } from '../mapping.document.js';
import { ASSUMED_CONFIDENCE, readColumns } from './column.candidates.js';
import {
  chooseColumns,
  type ChosenColumns,
  type PlacedColumn,
  type ProposedColumn,
} from './column.choice.js';
import { readDateColumns } from './day.order.js';
import { draftDocument } from './draft.document.js';
import { identifierColumns } from './draft.identifiers.js';
import { draftMeasurements } from './draft.observations.js';
import { genderTable } from './draft.patient.js';
import { draftRecords } from './draft.records.js';
import { draftResults } from './draft.results.js';
import { draftWords } from './draft.words.js';
import type { ListLanguage } from './header.dictionary.js';
import { languageOf, readColumnNames } from './header.reader.js';
import { fittingMapping, type KnownMapping } from './known.mapping.js';
import { originOf } from './list.origin.js';
import type { ListProfile } from './list.profiler.js';
import { type Question, question } from './question.js';

/** What was recognised in a list. It contains words of its cells, so it must not be logged. */
export interface Recognition {
  /** The known mapping that fits the list, if there is exactly one. */
  readonly fits?: KnownMapping;
  readonly language: ListLanguage;
  readonly country: string;
  readonly columns: readonly ProposedColumn[];
  /** The draft of a mapping. It is missing if no column identifies the patients. In this case, a question says so. */
  readonly draft?: MappingDocument;
  readonly questions: readonly Question[];
}

/** What a person knows about the list. `today` (`yyyy-MM-dd`) decides the century of years with two digits. */
export interface RecognitionOptions {
  readonly language?: ListLanguage | undefined;
  readonly country?: string | undefined;
  readonly today?: string | undefined;
}

/** The pivot of years with two digits, if the day of the recognition is not known. */
const USUAL_PIVOT = 29;
/** A column with fewer values counts the rows by chance. */
const FEWEST_COUNTED = 3;
const DATED = new Set(['birth_date', 'collected_on', 'visit_date', 'row_date', 'discharge_date', 'onset']);

/**
 * Recognises the columns of a list. Returns the meaning of each column with its reason, the draft of a mapping, and the questions that the
 * list leaves open. `known` are the stored mappings. The same arguments always give the same result.
 */
export function recogniseList(
  profile: ListProfile,
  known: readonly MappingDocument[],
  options: RecognitionOptions = {},
): Recognition {
  const names = profile.columns.map(({ header }) => header);
  const language = options.language ?? languageOf(names) ?? 'en';
  const chosen = chooseColumns(readColumns(readColumnNames(names, language), profile.columns));
  const { proposed, placed: columns } = chosen;
  const origin = originOf(columns, language, options.country);
  const dated = columns.filter(({ meaning }) => DATED.has(meaning));
  const dates = readDateColumns(dated, origin.country === 'US' ? 'month' : 'day');
  const sex = columns.find(({ meaning }) => meaning === 'sex');
  const gender = sex === undefined ? undefined : genderTable(sex);
  const date = dateOfMeasurements(columns);
  // An English list without a known country can be from the United States.
  const country =
    language === 'en' && !origin.isKnown && origin.country !== 'US' ? undefined : origin.country;
  const measured = draftMeasurements(columns, date, country);
  const results = draftResults(columns, profile.tests, date, { at: measured.observations.length, country });
  const words = draftWords(columns, language, origin.country);
  const { draft, used } = draftDocument({
    names,
    columns,
    origin,
    dates,
    gender: gender?.table,
    words: words.words,
    observations: [...measured.observations, ...results.observations],
    records: draftRecords(columns, date),
    pivot: options.today === undefined ? USUAL_PIVOT : Number(options.today.slice(2, 4)),
  });
  const reasons = new Map([
    ...measured.reasons,
    ...[...dates].flatMap(([field, { reason }]): [string, string][] =>
      reason === undefined ? [] : [[field, reason]],
    ),
    ...(gender?.reason === undefined || sex === undefined ? [] : [[sex.field, gender.reason] as const]),
  ]);
  const described = proposed.map((column) => withReason(withoutRule(column, used), reasons));
  const fits = fittingMapping(profile, described, known);
  return {
    ...(fits === undefined ? {} : { fits }),
    language,
    country: origin.country,
    columns: described,
    ...(draft === undefined ? {} : { draft }),
    questions: [
      ...identifierQuestions(chosen),
      ...columns.flatMap((column) =>
        column.isOff === true && used.has(column.field) ? [useQuestion(column)] : [],
      ),
      ...dated.flatMap(({ field, isOff }) =>
        isOff === true || !used.has(field) ? [] : (dates.get(field)?.questions ?? []),
      ),
      ...(gender?.questions ?? []),
      ...words.questions,
      ...measured.questions,
      ...results.questions,
      ...origin.questions,
    ],
  };
}

/** A column that no rule of the draft uses has no field, for example a unit in a list without results. */
function withoutRule(column: ProposedColumn, used: ReadonlySet<string>): ProposedColumn {
  if (column.field === undefined || used.has(column.field)) return column;
  const { field: _field, reason, ...others } = column;
  return { ...others, reason: `${reason} The draft has no rule for it.` };
}

function withReason(column: ProposedColumn, reasons: ReadonlyMap<string, string>): ProposedColumn {
  const more = column.field === undefined ? undefined : reasons.get(column.field);
  return more === undefined ? column : { ...column, reason: `${column.reason} ${more}` };
}

/** The column with the time of a measurement. A laboratory result has the time of its collection, and a vital sign that of the visit. */
function dateOfMeasurements(columns: readonly PlacedColumn[]) {
  const field = (meaning: string) => columns.find((column) => column.meaning === meaning)?.field;
  const [collected, visit, row] = [field('collected_on'), field('visit_date'), field('row_date')];
  return (category: string): object => {
    const copy = category === 'laboratory' ? (collected ?? row ?? visit) : (row ?? visit ?? collected);
    return copy === undefined ? {} : { date: { copy } };
  };
}

function identifierQuestions({ placed, rivals }: ChosenColumns): Question[] {
  const [identifier] = identifierColumns(placed);
  if (identifier === undefined) return [question('identifier-missing', ['identifiers'])];
  const path = ['source', 'aliases', identifier.field];
  const { header: column } = identifier;
  const others = rivals.filter(({ meaning }) => meaning === identifier.meaning);
  const choices = [identifier, ...others.map((one) => one.column)].map(({ header }) => ({
    label: header,
    value: [header],
  }));
  if (identifier.profile.counts && identifier.profile.filled >= FEWEST_COUNTED)
    return [question('identifier-counts-rows', path, { column, choices })];
  const isAssumed = identifier.candidates.some(({ confidence }) => confidence === ASSUMED_CONFIDENCE);
  return others.length === 0 && !isAssumed ? [] : [question('identifier-choice', path, { column, choices })];
}

/** Asks whether a column is used whose values do not fit its name, or whose notes may be diagnoses. */
const useQuestion = ({ field, header, meaning }: PlacedColumn): Question =>
  question(
    meaning === 'diagnoses' ? 'notes-as-diagnoses' : 'values-contradict',
    ['source', 'aliases', field],
    {
      column: header,
      choices: [
        { label: 'The column is not used.', value: [] },
        { label: 'The column is used.', value: [header] },
      ],
    },
  );
