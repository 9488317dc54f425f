import { ISSUE_CODES, type IssueCode, type Severity } from '../mapping/issue.codes.js';
import { isAddedColumn } from './csv.report.js';

/** A finding about a whole file that is imported. `columns` are the affected columns, with their names in the file. */
export interface FileFinding {
  readonly severity: Severity;
  readonly code: string;
  readonly message: string;
  readonly suggestion: string;
  readonly columns: readonly string[];
  /** The affected rows. */
  readonly rows: readonly number[];
}

/** The properties of a file that can become findings. */
interface ReadFile {
  readonly encoding_reason: string;
  readonly ignored_columns: readonly string[];
  readonly sheets?: number | undefined;
  readonly title_rows?: readonly number[] | undefined;
  readonly footer_rows?: readonly number[] | undefined;
}

/** The findings about how a file was read: ignored columns and sheets, damaged text, and lines that are no rows of the list. */
export function fileFindings({
  encoding_reason: reason,
  ignored_columns: ignored,
  sheets = 1,
  title_rows: titles = [],
  footer_rows: footers = [],
}: ReadFile): FileFinding[] {
  // The report columns of an uploaded errors.csv are ours, so nothing of the list is lost with them.
  const columns = ignored.filter((name) => !isAddedColumn(name));
  return [
    ...(columns.length === 0 ? [] : [finding('columns-ignored', columns)]),
    ...(sheets > 1 ? [finding('sheets-ignored')] : []),
    ...(reason === 'damaged-utf-8' ? [finding('text-damaged')] : []),
    ...(titles.length === 0 ? [] : [finding('title-lines-skipped', [], titles)]),
    ...(footers.length === 0 ? [] : [finding('footer-lines-skipped', [], footers)]),
  ];
}

function finding(
  code: IssueCode,
  columns: readonly string[] = [],
  rows: readonly number[] = [],
): FileFinding {
  const known = ISSUE_CODES.get(code);
  if (known === undefined) throw new Error(`The issue code ${code} has no text.`);
  return {
    severity: known.severity,
    code,
    message: known.message,
    suggestion: known.suggestion,
    columns,
    rows,
  };
}
