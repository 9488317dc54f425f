import type { Issue } from '../mapping/issue.js';
import { toUtf8 } from './csv.encoding.js';
import type { CsvHeader } from './csv.header.js';
import type { CsvShape } from './csv.inspection.js';
import { LIMITS } from './csv.limits.js';
import { FileRefused } from './csv.refusal.js';
import { type CsvRecord, CsvScanner } from './csv.scanner.js';
import { withoutFormulaEscape } from './csv.writer.js';

/**
 * A row of the file. `row` is the row number, where the first row below the header is 1. `line` is the line number in the file. A row with
 * a `fault` is rejected.
 */
export interface CsvRow {
  readonly row: number;
  readonly line: number;
  /** The cells of the row. A row with broken quotes or above the size limit has a single cell, which contains the first line of the row. */
  readonly cells: readonly string[];
  readonly fault?: Issue;
}

/**
 * Reads the rows of a decompressed file in batches. Its memory use is constant. Empty rows are skipped. Throws `FileRefused` if the file
 * has too many rows, too many broken rows, or no rows.
 */
export async function* readRows(source: AsyncIterable<Buffer>, shape: CsvShape): AsyncGenerator<CsvRow[]> {
  const scanner = new CsvScanner(shape.delimiter.delimiter);
  let row = 0;
  let pastHeader = false;
  const toRows = (records: readonly CsvRecord[]): CsvRow[] => {
    const rows: CsvRow[] = [];
    for (const record of records) {
      if (!pastHeader) {
        pastHeader = true;
        continue;
      }
      if (record.fault === undefined && record.cells.every((cell) => cell.trim() === '')) continue;
      row += 1;
      if (row > LIMITS.rows) throw new FileRefused('file-rows-too-many');
      const line = record.line + (shape.delimiter.sepLine ? 1 : 0);
      rows.push({ ...record, row, line });
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
  if (row === 0) throw new FileRefused('file-header-only');
}

async function* afterFirstLine(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let past = false;
  for await (const chunk of source) {
    const end = past ? -1 : chunk.findIndex((byte) => byte === 0x0a || byte === 0x0d);
    if (past) yield chunk;
    else if (end >= 0) {
      past = true;
      // If the line ends with CRLF, the LF remains. The scanner reads this LF as an empty line and skips it.
      yield chunk.subarray(end + 1);
    }
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
