/** The kinds of questions about a list. A code that was released never changes its meaning. */
export const QUESTIONS = {
  'identifier-missing': 'No column identifies the patients. Add a column with a record number to the list.',
  'identifier-choice': 'Several columns can be the record number of the patient. Choose one of them.',
  'identifier-counts-rows':
    'The record number counts the rows of the list. Choose a number that stays the same in the next list.',
  'day-order': 'Every date of the column can be read in two ways. Choose the order of day and month.',
  'day-order-mixed':
    'Some dates of the column begin with the day, and others with the month. Choose one order; the other dates are rejected.',
  'date-format':
    'The dates of the column have a format that a mapping cannot read. Write them as 2026-12-31.',
  'sex-word': 'The meaning of a word for the sex is not known. Choose its meaning.',
  'unit-missing':
    'The unit of the measurement is not written, and several units fit the values. Choose the unit.',
  'unit-unknown': 'The unit of the measurement is not known. Choose the unit.',
  'test-unknown': 'The laboratory test is not known. Give its LOINC code and its unit.',
  'words-language':
    'The language of the diagnoses has no list of known words. Choose the language for the look-up.',
  'notes-as-diagnoses': 'The column has notes. Choose whether they are diagnoses.',
  'values-contradict': 'The values do not fit the name of the column. Choose whether the column is used.',
  country: 'The country of the list is only assumed. It decides how phone numbers and names are read.',
  'time-zone': 'The times of the list have no time zone. Choose the time zone of the clinic.',
} as const;
export type QuestionCode = keyof typeof QUESTIONS;

/** A possible answer. `value` is what the draft has at the path of the question after this answer. */
export interface QuestionChoice {
  readonly label: string;
  readonly value: unknown;
}

/**
 * What the list does not say. `path` is the place of the answer in the draft, as the members and positions on the way from its root. The
 * draft already has the proposed answer there.
 */
export interface Question {
  readonly code: QuestionCode;
  /** The name of the column in the file. */
  readonly column?: string;
  readonly text: string;
  readonly choices: readonly QuestionChoice[];
  readonly path: readonly (string | number)[];
}

/** Makes a question. `about` names what the question is about, for example a word of a cell. */
export function question(
  code: QuestionCode,
  path: readonly (string | number)[],
  {
    column,
    choices = [],
    about,
  }: { column?: string; choices?: readonly QuestionChoice[]; about?: string } = {},
): Question {
  const text = about === undefined ? QUESTIONS[code] : `${about}: ${QUESTIONS[code]}`;
  return { code, ...(column === undefined ? {} : { column }), text, choices, path };
}
