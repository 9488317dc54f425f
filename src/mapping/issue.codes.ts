import { RECORD_INFORMATION, RECORD_WARNINGS } from './records/record.codes.js';
import { FILE_CODES, FILE_INFORMATION, FILE_WARNINGS } from './file.codes.js';

/**
 * An `error` rejects the row, or the whole file if the code begins with `file-`. A row with a `warning` is written. `information` needs no
 * action.
 */
export type Severity = 'error' | 'warning' | 'information';

interface Explanation {
  readonly severity: Severity;
  readonly message: string;
  readonly suggestion: string;
}

const ROW_ERRORS = {
  'column-count': [
    'The row has more or fewer cells than the header.',
    'Put quotes around cells that contain the delimiter.',
  ],
  'quote-broken': [
    'A quote is not closed, or stands inside an unquoted cell.',
    'Put quotes around the whole cell and double the quotes inside it.',
  ],
  'row-too-large': [
    'The row is longer than 64 KiB.',
    'Shorten the row, or close a quote that was left open.',
  ],
  'cell-nul': ['A cell contains a NUL character.', 'Remove it. The export may be damaged.'],
  'cell-control': ['A cell contains a control character.', 'Remove it.'],
  'cell-formula': ['A cell contains a formula.', 'Replace the formula with its value.'],
  'cell-undecodable': [
    'A cell contains bytes that are invalid in the encoding of the file.',
    'Upload the file again with the right encoding.',
  ],
  'cell-garbled': [
    'A cell contains letters that an earlier program read in a wrong encoding, for example Ã© for é.',
    'Export the list again from its source, or correct the cell.',
  ],
  'cell-too-long': ['A cell is longer than the mapping allows.', 'Shorten it.'],
  'required-missing': ['A required cell is empty.', 'Fill it in.'],
  'value-not-listed': [
    'The mapping does not list the value of a cell.',
    'Use a listed value, or add the value to the mapping.',
  ],
  'identifier-missing': ['The row has no patient identifier.', 'Fill in one of the identifier columns.'],
  'identifier-scientific': [
    'A spreadsheet rounded an identifier.',
    'Format the column as text and enter the number again.',
  ],
  'cpf-format': ['A CPF does not have 11 digits.', 'Write it as 000.000.000-00.'],
  'cpf-placeholder': [
    'A CPF consists of one repeated digit.',
    'Enter the real CPF, or leave the cell empty if the mapping allows it.',
  ],
  'date-invalid': [
    'A date does not exist, or the mapping does not allow its format.',
    'Correct the date, or use a format that the mapping allows, for example 31/12/1980.',
  ],
  'date-ambiguous': [
    'A date matches two formats of the mapping, and each format gives a different day.',
    'Keep only one of these formats in the mapping.',
  ],
  'date-future': ['A date is in the future.', 'Correct it.'],
  'gender-unknown-word': [
    'The mapping does not know the word for a gender.',
    'Use a word of the mapping, or add the word to the mapping.',
  ],
  'number-invalid': [
    'A cell is not a number in the format of the mapping.',
    'Use digits with at most one decimal sign, and no unit other than that of the column.',
  ],
  'number-out-of-range': [
    'A measurement is outside the possible range.',
    'Check the value and the unit of the column.',
  ],
  'measurement-incomplete': [
    'One value of a combined measurement is missing.',
    'Fill in all its values or none.',
  ],
  'list-lengths': [
    'Two related lists of the row differ in length.',
    'Add an entry for each item. Leave the entry empty if the value is unknown.',
  ],
  'pregnant-male': ['The row says both pregnant and male.', 'Correct one of the two cells.'],
  'result-conflict': [
    'The FHIR server or another row has another value for the same result at the same time.',
    'Correct the value or its time. If the new value is right, upload with `corrections=amend`.',
  ],
  'duplicate-in-file': [
    'Another row of the file has the same patient identifier and different content.',
    'Keep one row for each patient.',
  ],
  'identifier-shared': [
    'This row and another row of the file have one identifier in common, but different main identifiers.',
    'The main identifier of a row is its first identifier in the order of the mapping. Give both rows the same identifiers, or keep one row.',
  ],
  'identity-rejected': [
    'A person decided not to write the row, because its identifier belongs to another patient.',
    'Correct the identifier, or undo the decision in the list of reviews.',
  ],
  'fhir-refused': ['The FHIR server rejected the row.', 'See the log of the FHIR server for the reason.'],
} as const;

const ROW_WARNINGS = {
  'cpf-check-digits': ['The check digits of a CPF are wrong.', 'Compare the number with the document.'],
  'cpf-padded': ['A CPF had lost its leading zeros. They were added.', 'Format the column as text.'],
  'name-single': ['A name has only one word.', 'Add the other names if they are known.'],
  'name-note': [
    'A name contains a note. The note is left out of the name.',
    'Move the note to another column.',
  ],
  'name-temporary': [
    'A name is the temporary name of a newborn. It is stored as text.',
    'Upload the list again when the patient has a name.',
  ],
  'name-unclear': [
    'The parts of a name are unclear. The name is stored as text.',
    'Write the family name, one comma, and the given names.',
  ],
  'birth-date-improbable': ['A birth date is more than 120 years ago.', 'Check the year.'],
  'phone-area-code': [
    'The area code of a phone number does not exist. The number is stored as written.',
    'Correct the area code.',
  ],
  'phone-format': [
    'A phone number is invalid. It is stored as written.',
    'Write the area code and the number; for another country, start with + and the country code.',
  ],
  'phone-note': [
    'A phone number has an unclear note, so it may belong to another person. It is left out.',
    'Write the number alone, or with a relation such as “mother”.',
  ],
  'email-format': ['An e-mail address is invalid. It is stored as written.', 'Correct it.'],
  'country-unknown': [
    'A country is unknown. It is stored as written.',
    'Use the name of the country or its ISO 3166 code.',
  ],
  'number-unlikely': [
    'A measurement is outside the usual range.',
    'Check the value and the unit of the column.',
  ],
  'unit-contradicts': [
    'The unit of a measurement cannot be converted to the unit of the mapping. The measurement is left out.',
    'Write the value in the unit of the mapping.',
  ],
  'unit-converted': [
    'A measurement was converted to the unit of the mapping.',
    'Check the unit, or write the value in the unit of the mapping.',
  ],
  'pressure-order': [
    'The diastolic pressure is above the systolic pressure. The measurement is left out.',
    'Check whether the two values are exchanged.',
  ],
  'test-unknown': [
    'The mapping does not know a laboratory test. The result is left out.',
    'Write the LOINC code, or add the name of the test to the mapping.',
  ],
  'time-without-zone': [
    'A time has no time zone. Only the date is stored.',
    'Set `source.zone` of the mapping, or write the zone, for example 10:30-03:00.',
  ],
  'pregnancy-age': [
    'A pregnant patient is younger than 10 or older than 60.',
    'Check the birth date and the note.',
  ],
  'pregnancy-diabetes': [
    'A patient is pregnant and has diabetes. This is not recorded as gestational diabetes.',
    'Review the record.',
  ],
  'identifier-placeholder': [
    'An identifier is a placeholder such as N/A or 0. It is not used.',
    'Enter the identifier, or leave the cell empty.',
  ],
  'identity-review': [
    'The identifier belongs to a patient with another birth date, gender or given name, or to several patients. The row waits.',
    'Decide in the list of reviews: same person, new person, or reject.',
  ],
  'patient-several': [
    'The FHIR server has more than one patient with an identifier of the row. The row waits for a decision.',
    'Choose one of the patients in the list of reviews, or decide for a new person or reject.',
  ],
  'identity-separated': [
    'The patient was written without an identifier that belongs to another patient, as a person decided.',
    'Correct the identifier in the source system.',
  ],
  'term-unmapped': ['A word is unknown and waits for a decision.', 'Decide it in the inbox of words.'],
  'term-ambiguous': [
    'A word has more than one possible meaning and waits for a decision.',
    'Decide it in the inbox of words.',
  ],
  'term-code-invalid': [
    'A number is not a SNOMED CT concept identifier and waits for a decision.',
    'Correct the code or write the word.',
  ],
  'icd-code-invalid': [
    'A code is not an ICD-10 code. The word is used without it.',
    'Write the code as in E11.9.',
  ],
  'term-text-only': [
    'A word is unknown and was written as text without a code.',
    'Use a known word, or set `unknown_words` of the mapping to `wait`.',
  ],
} as const;

const ROW_INFORMATION = {
  'name-title': ['A title or a suffix was stored apart from the name.', 'Nothing to do.'],
  'phone-contact': [
    'A phone number belongs to another person. It is stored as a contact of the patient.',
    'Nothing to do.',
  ],
  'duplicate-same': ['Another row of the file has the same content.', 'Nothing to do.'],
  'duplicate-merged': ['The row was merged with another row of the same patient.', 'Nothing to do.'],
  'duplicate-set-aside': ['Another row of the same patient was used, as the mapping says.', 'Nothing to do.'],
  'date-short-year': [
    'The century of a year with two digits comes from the pivot of the mapping.',
    'Nothing to do.',
  ],
  'gender-numbered': ['A number for a gender was read as ISO/IEC 5218 defines it.', 'Nothing to do.'],
  'term-ignored': ['A word was ignored because of an earlier decision.', 'Nothing to do.'],
} as const;

/** The code of an issue. A code that was released never changes. `docs/import-codes.md` explains each code. */
export type IssueCode =
  | keyof typeof FILE_CODES
  | keyof typeof FILE_WARNINGS
  | keyof typeof FILE_INFORMATION
  | keyof typeof ROW_ERRORS
  | keyof typeof ROW_WARNINGS
  | keyof typeof RECORD_WARNINGS
  | keyof typeof ROW_INFORMATION
  | keyof typeof RECORD_INFORMATION;

const explain = (severity: Severity, codes: Readonly<Record<string, readonly [string, string]>>) =>
  Object.entries(codes).map(([code, [message, suggestion]]): [string, Explanation] => [
    code,
    { severity, message, suggestion },
  ]);

/** Each code with its severity and texts. The texts contain no data of a cell. */
export const ISSUE_CODES: ReadonlyMap<string, Explanation> = new Map([
  ...explain('error', FILE_CODES),
  ...explain('warning', FILE_WARNINGS),
  ...explain('information', FILE_INFORMATION),
  ...explain('error', ROW_ERRORS),
  ...explain('warning', ROW_WARNINGS),
  ...explain('warning', RECORD_WARNINGS),
  ...explain('information', ROW_INFORMATION),
  ...explain('information', RECORD_INFORMATION),
]);
