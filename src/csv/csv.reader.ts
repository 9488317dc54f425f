import type { Issue } from '../mapping/issue.js';
import { toUtf8 } from './csv.encoding.js';
import type { CsvHeader } from './csv.header.js';
import type { TableShape } from './csv.inspection.js';
import { LIMITS } from './csv.limits.js';
import { FileRefused } from './csv.refusal.js';
import { isFooterLine } from './footer.rows.js';
import { isHeader } from './header.finder.js';
import { type CsvRecord, CsvScanner } from './csv.scanner.js';
import { withoutFormulaEscape } from './csv.writer.js';

const LF = 0x0a;
const CR = 0x0d;

/**
 * A row of the file. `row` is the row in which a spreadsheet program shows it, so a header in the first line is row 1. Blank lines are
 * counted. `line` is the number of its first line in the file. A row with a `fault` is rejected.
 */
export interface CsvRow {
  readonly row: number;
  readonly line: number;
  /** The cells of the row. A row with broken quotes or above the size limit has a single cell, which contains the first line of the row. */
  readonly cells: readonly string[];
  readonly fault?: Issue;
}

/** The rows of a file that are no rows of the list, by their number. */
export interface SkippedRows {
  readonly titles: number[];
  readonly footers: number[];
}

const MOST_TITLES = 100;
const MOST_FOOTERS = 10;

/**
 * Reads the rows of a decompressed file in batches. Its memory use is constant. Empty rows are skipped. `skipped` receives the title
 * lines above the header and the footers below the last row. Throws `FileRefused` if the file has no rows, more than 5,000,000 rows, or
 * more than 1,000 rows with broken quotes.
 */
export async function* readRows(
  source: AsyncIterable<Buffer>,
  shape: TableShape,
  skipped: SkippedRows = { titles: [], footers: [] },
): AsyncGenerator<CsvRow[]> {
  const { names } = shape.header;
  const scanner = new CsvScanner(shape.delimiter.delimiter, names);
  let held: CsvRecord[] = [];
  let number = 0;
  let pastHeader = false;
  const toRow = (record: CsvRecord): CsvRow => {
    number += 1;
    if (number > LIMITS.rows) throw new FileRefused('file-rows-too-many');
    // A spreadsheet program does not show the `sep=` line.
    return { ...record, line: record.line + (shape.delimiter.sepLine ? 1 : 0) };
  };
  const toRows = (records: readonly CsvRecord[]): CsvRow[] => {
    const rows: CsvRow[] = [];
    for (const record of records) {
      const isBlank = record.cells.every((cell) => cell.trim() === '');
      if (!pastHeader) {
        pastHeader = isHeader(record.cells, names);
        if (!pastHeader && !isBlank) skipped.titles.push(record.row);
        if (skipped.titles.length > MOST_TITLES) throw new FileRefused('file-header-missing');
        continue;
      }
      if (record.fault === undefined && isBlank) continue;
      // A footer is the end of the file. If another row follows, the line was not a footer.
      if (held.length < MOST_FOOTERS && isFooterLine(record.cells)) held.push(record);
      else {
        for (const one of held) rows.push(toRow(one));
        held = [];
        rows.push(toRow(record));
      }
    }
    return rows;
  };
  const bytes = toUtf8(source, shape.encoding);
  for await (const chunk of shape.delimiter.sepLine ? afterFirstLine(bytes) : bytes) {
    const rows = toRows(scanner.push(chunk));
    if (rows.length > 0) yield rows;
  }
  const rows = toRows(await scanner.finish());
  if (rows.length > 0) yield rows;
  skipped.footers.push(...held.map(({ row }) => row));
  if (number === 0) throw new FileRefused('file-header-only');
}

async function* afterFirstLine(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let place: 'in the line' | 'after its CR' | 'past' = 'in the line';
  for await (const chunk of source) {
    let begin = 0;
    if (place === 'in the line') {
      const end = chunk.findIndex((byte) => byte === LF || byte === CR);
      if (end < 0) continue;
      place = chunk[end] === CR ? 'after its CR' : 'past';
      begin = end + 1;
    }
    if (place === 'after its CR' && begin < chunk.length) {
      if (chunk[begin] === LF) begin += 1;
      place = 'past';
    }
    yield chunk.subarray(begin);
  }
}

/**
 * Returns the cells of a row. The keys are the column names of the mapping. In an uploaded `errors.csv`, the escapes of formulas are
 * removed.
 */
export function cellsByColumn(cells: readonly string[], header: CsvHeader): ReadonlyMap<string, string> {
  const cellsOf = new Map<string, string>();
  for (const [column, at] of header.places) {
    const text = cells[at] ?? '';
    cellsOf.set(column, header.report ? withoutFormulaEscape(text) : text);
  }
  return cellsOf;
}
