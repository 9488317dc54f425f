/** What an issue does: an error rejects its row (or, for `file-…` codes, the file), a warning is written down, information only told. */
export type Severity = 'error' | 'warning' | 'information';

interface Explanation {
  readonly severity: Severity;
  readonly message: string;
  readonly suggestion: string;
}

/** What can be wrong with a whole file; nothing of it is read then. */
const FILE_CODES = {
  'file-empty': ['The file is empty.', 'Export the list again and look at it before sending.'],
  'file-header-only': ['The file has a header and no rows.', 'Export the list with its rows.'],
  'file-header-missing': [
    'The first line names none of the columns that are required.',
    'Put a line with the column names first, or add their names to the mapping.',
  ],
  'file-column-missing': [
    'A required column is missing from the header.',
    'Add the column, or add its name to the mapping.',
  ],
  'file-column-double': [
    'Two columns of the header mean the same.',
    'Keep one of them, or give the other another name.',
  ],
  'file-column-unnamed': ['A column of the header has no name.', 'Name the column or remove it.'],
  'file-columns-too-many': ['The file has more than 256 columns.', 'Send only the columns that are needed.'],
  'file-rows-too-many': ['The file has more than 5,000,000 rows.', 'Send it in several files.'],
  'file-too-large': ['The file is larger than 1 GB.', 'Send it in several files.'],
  'file-gzip-broken': ['The compressed file is damaged or cut short.', 'Compress and send it again.'],
  'file-gzip-bomb': ['The compressed file grows beyond all measure.', 'Send the file uncompressed.'],
  'file-spreadsheet': [
    'The file is a spreadsheet, not CSV.',
    'In the spreadsheet choose “save as” CSV UTF-8.',
  ],
  'file-archive': ['The file is a ZIP archive.', 'Send the CSV itself, or compress it with gzip (.csv.gz).'],
  'file-binary': ['The file is not text.', 'Send a CSV file.'],
  'file-encoding-unknown': [
    'The encoding that was named is unknown.',
    'Name utf-8, utf-16le, utf-16be, windows-1252, macintosh or cp850, or name none.',
  ],
  'file-encoding-wrong': [
    'The file is not in the encoding that was named.',
    'Name another encoding, or none: it is found out then.',
  ],
  'file-lost': [
    'The uploaded file is no longer on the disk of any gateway.',
    'Send it again, and have all gateways share one DATA_DIR/imports.',
  ],
  'file-broken-quotes': [
    'More than 1,000 rows have broken quotes.',
    'Name the right delimiter, or export with quotes doubled within quotes.',
  ],
} as const;

const ROW_ERRORS = {
  'column-count': [
    'The row has more or fewer cells than the header.',
    'Quote cells that hold the delimiter.',
  ],
  'quote-broken': [
    'A quote is opened and not closed, or stands within a cell.',
    'Double quotes within a cell and quote the whole cell.',
  ],
  'row-too-large': ['The row is longer than 64 KiB.', 'Shorten it; if a quote was left open, close it.'],
  'cell-nul': ['A cell holds a NUL byte.', 'Remove it; the export may be damaged.'],
  'cell-control': ['A cell holds a control character.', 'Remove it.'],
  'cell-formula': ['A cell holds a formula.', 'Replace the formula by its value.'],
  'cell-undecodable': [
    'A cell holds bytes that mean nothing in this encoding.',
    'Name the right encoding and send the file again.',
  ],
  'cell-too-long': ['A cell is longer than the mapping allows.', 'Shorten it.'],
  'required-missing': ['A required cell is empty.', 'Fill it in.'],
  'value-not-listed': [
    'A cell is none of the values the mapping lists.',
    'Use one of them, or add it to the mapping.',
  ],
  'identifier-missing': [
    'The row has no identifier of the patient.',
    'Fill in one of the identifier columns.',
  ],
  'identifier-scientific': [
    'A spreadsheet turned an identifier into a rounded number.',
    'Format the column as text and enter the number again.',
  ],
  'cpf-format': ['A CPF does not have 11 digits.', 'Write it as 000.000.000-00.'],
  'cpf-placeholder': [
    'A CPF repeats one digit: it belongs to nobody.',
    'Enter the real one, or leave it empty where the mapping allows.',
  ],
  'date-invalid': [
    'A date does not exist or is not written as the mapping says.',
    'Write it in the format of the mapping, for example 31/12/1980.',
  ],
  'date-ambiguous': [
    'A date fits two formats of the mapping with different days.',
    'Leave one format in the mapping.',
  ],
  'date-future': ['A date lies in the future.', 'Correct it.'],
  'gender-unknown-word': [
    'A gender is written in a way that is not known.',
    'Use a word of the mapping, or add it there.',
  ],
  'number-invalid': [
    'A cell is not a number as the mapping says.',
    'Write digits with one decimal sign and no unit but the column’s.',
  ],
  'number-out-of-range': ['A measurement cannot be true.', 'Check the value and the unit of the column.'],
  'measurement-incomplete': ['One half of a measurement is missing.', 'Fill in both values or neither.'],
  'list-lengths': [
    'Two lists of the row that belong together differ in length.',
    'Give one entry for each, empty where nothing is known.',
  ],
  'pregnant-male': ['The row says pregnant and male.', 'Correct one of the two.'],
  'duplicate-in-file': [
    'Another row of the file has the same identifier and other content.',
    'Keep one row for each patient.',
  ],
  'identifier-shared': [
    'Another row of the file has one of these identifiers and another first one.',
    'Give both rows the same identifiers, or keep one of them.',
  ],
  'patient-several': [
    'The FHIR server has more than one patient with this identifier.',
    'Have the patients united there, then retry.',
  ],
  'fhir-refused': [
    'The FHIR server refused the row.',
    'Compare the row with its neighbours; the log of the FHIR server says why.',
  ],
} as const;

const ROW_WARNINGS = {
  'cpf-check-digits': ['The check digits of a CPF are wrong.', 'Compare the number with the document.'],
  'cpf-padded': ['Leading zeros of a CPF were lost and have been put back.', 'Format the column as text.'],
  'name-single': ['A name is one word only.', 'Complete it if more is known.'],
  'birth-date-improbable': ['A birth date lies more than 120 years back.', 'Check the year.'],
  'phone-area-code': [
    'The area code of a phone number does not exist; it is kept as written.',
    'Correct the area code.',
  ],
  'phone-format': [
    'A phone number cannot be dialled; it is kept as written.',
    'Write area code and number, abroad with + and country code.',
  ],
  'email-format': ['An e-mail address cannot be right; it is kept as written.', 'Correct it.'],
  'country-unknown': ['A country is not known; it is kept as written.', 'Use its name or its ISO 3166 code.'],
  'number-unlikely': ['A measurement is unusual.', 'Check the value and the unit of the column.'],
  'pregnancy-age': ['Pregnant outside 10 to 60 years of age.', 'Check the birth date and the note.'],
  'pregnancy-diabetes': [
    'Pregnant and diabetic: this is not taken for gestational diabetes.',
    'Review the record.',
  ],
  'term-unmapped': [
    'A word is not known yet and waits for a decision.',
    'Decide it once in the inbox of words.',
  ],
  'term-ambiguous': [
    'A word can be understood in more than one way and waits for a decision.',
    'Decide it once in the inbox of words.',
  ],
  'term-code-invalid': [
    'A number is no SNOMED CT concept identifier and waits for a decision.',
    'Correct the code or write the word.',
  ],
  'term-text-only': [
    'A word is not known and was written as text without a code.',
    'Write a known word, or let unknown words wait (`unknown_words` of the mapping).',
  ],
} as const;

const ROW_INFORMATION = {
  'duplicate-same': ['Another row of the file says exactly the same.', 'Nothing to do.'],
  'duplicate-merged': ['The row was united with another row of the same patient.', 'Nothing to do.'],
  'duplicate-set-aside': [
    'Another row of the same patient was taken instead, as the mapping says.',
    'Nothing to do.',
  ],
  'term-ignored': ['A word is ignored by an earlier decision.', 'Nothing to do.'],
} as const;

/** A reason of an issue: stable, documented one by one in `docs/import-codes.md`. */
export type IssueCode =
  | keyof typeof FILE_CODES
  | keyof typeof ROW_ERRORS
  | keyof typeof ROW_WARNINGS
  | keyof typeof ROW_INFORMATION;

const explain = (severity: Severity, codes: Readonly<Record<string, readonly [string, string]>>) =>
  Object.entries(codes).map(([code, [message, suggestion]]): [string, Explanation] => [
    code,
    { severity, message, suggestion },
  ]);

/** Every reason code with what it says; no text holds anything of a cell. */
export const ISSUE_CODES: ReadonlyMap<string, Explanation> = new Map([
  ...explain('error', FILE_CODES),
  ...explain('error', ROW_ERRORS),
  ...explain('warning', ROW_WARNINGS),
  ...explain('information', ROW_INFORMATION),
]);
