import type { Issue } from '../mapping/issue.js';
import type { CsvRow } from './csv.reader.js';

/** The columns a report adds; uploaded again they are ignored. */
const ADDED = ['_row', '_severity', '_codes', '_messages'] as const;
const MARK = '\u{FEFF}';

/** The first line of `errors.csv` (UTF-8 with a byte order mark, CRLF): the source's columns and the reasons. */
export const reportHeader = (names: readonly string[], delimiter: string): string =>
  MARK + toLine([...names.filter((name) => !isAdded(name)), ...ADDED], delimiter);

/** One line of `errors.csv`: the row as it was, formulas defused by `'`, and what is wrong with it. */
export function reportLine(
  row: CsvRow,
  names: readonly string[],
  issues: readonly Issue[],
  delimiter: string,
): string {
  // A record that does not fit the header stands in the first cell as a whole: nothing of it is lost, and nothing moves to another column.
  const whole = row.cells.length === names.length ? undefined : row.cells.join(delimiter);
  const cells = names.flatMap((name, at) =>
    isAdded(name) ? [] : [(whole === undefined ? row.cells[at] : at === 0 ? whole : undefined) ?? ''],
  );
  const severity = issues.some((one) => one.severity === 'error') ? 'error' : 'warning';
  const messages = issues.map(({ column, message, suggestion }) =>
    [column === undefined ? message : `${column}: ${message}`, suggestion].join(' '),
  );
  const added = [String(row.row), severity, issues.map(({ code }) => code).join(' '), messages.join(' · ')];
  return toLine([...cells, ...added], delimiter);
}

const isAdded = (name: string) => ADDED.some((added) => added === name);

function toLine(cells: readonly string[], delimiter: string): string {
  return `${cells.map((cell) => quoted(defused(cell), delimiter)).join(delimiter)}\r\n`;
}

/** A spreadsheet that opens the report must not calculate what a stranger wrote. */
const defused = (cell: string) => (/^[=+\-@\t\r]/u.test(cell) ? `'${cell}` : cell);

const quoted = (cell: string, delimiter: string) =>
  cell.includes(delimiter) || /["\r\n]|^\s|\s$/u.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
