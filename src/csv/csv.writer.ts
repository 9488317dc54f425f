import { stringify } from 'csv-stringify/sync';

/** A cell of a CSV record. Null becomes an empty cell. Only a text can be a formula, and a number never is. */
export type CsvCell = string | number | null;

/**
 * White space at the start or the end of a cell. A TAB or CR at the start is not included, because a text with such a start gets a leading
 * `'`.
 */
const OUTER_BLANK = /^(?![\t\r])\s|\s$/u;

/**
 * Writes records as CSV lines (RFC 4180) that end with CRLF. A text gets a leading `'` if a spreadsheet program would run it as a formula.
 * Such a text begins with `=`, `+`, `-`, `@`, TAB, CR or a full-width form of a sign. If `quoteBlanks` is true, cells with white space at
 * the start or the end are quoted too.
 */
export function csvLines(
  records: readonly (readonly CsvCell[])[],
  { delimiter = ',', quoteBlanks = false }: { delimiter?: string; quoteBlanks?: boolean } = {},
): string {
  return stringify([...records], {
    delimiter,
    record_delimiter: '\r\n',
    escape_formulas: true,
    quote_record_delimiter: true,
    quoted_match: quoteBlanks ? OUTER_BLANK : null,
  });
}

/** The text of a cell without the escape that {@link csvLines} put before a formula. */
export const withoutFormulaEscape = (cell: string): string => cell.replace(/^'(?=[=+\-@\t\r＝＋－＠])/u, '');
