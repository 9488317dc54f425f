import type { Issue } from '../mapping/issue.js';
import type { CsvRow } from './csv.reader.js';
import { messageOfIssue } from './named.issue.js';
import { csvLines } from './csv.writer.js';

/** The columns that `errors.csv` adds. These columns are ignored when the file is uploaded. */
const ADDED = ['_row', '_severity', '_codes', '_messages'] as const;
const BYTE_ORDER_MARK = '\u{FEFF}';

/** The first line of `errors.csv` (UTF-8 with a byte order mark): the columns of the uploaded file, then the added columns. */
export const reportHeader = (names: readonly string[], delimiter: string): string =>
  BYTE_ORDER_MARK + toLine([...names.filter((name) => !isAddedColumn(name)), ...ADDED], delimiter);

/** One line of `errors.csv`: the cells of the row, its number, and its issues. */
export function reportLine(
  row: CsvRow,
  names: readonly string[],
  issues: readonly Issue[],
  delimiter: string,
): string {
  // If a record does not fit the header, write the whole record into the first cell, so that no value moves to another column.
  const whole = row.cells.length === names.length ? undefined : row.cells.join(delimiter);
  const cells = names.flatMap((name, at) =>
    isAddedColumn(name) ? [] : [(whole === undefined ? row.cells[at] : at === 0 ? whole : undefined) ?? ''],
  );
  const severity = issues.some((one) => one.severity === 'error') ? 'error' : 'warning';
  const messages = issues.map((one) => {
    const message = messageOfIssue(one);
    return [one.column === undefined ? message : `${one.column}: ${message}`, one.suggestion].join(' ');
  });
  const added = [String(row.row), severity, issues.map(({ code }) => code).join(' '), messages.join(' · ')];
  return toLine([...cells, ...added], delimiter);
}

/** Whether a column is one that `errors.csv` adds. */
export const isAddedColumn = (name: string): boolean => ADDED.some((added) => added === name);

const toLine = (cells: readonly string[], delimiter: string): string =>
  csvLines([cells], { delimiter, quoteBlanks: true });
