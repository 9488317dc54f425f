import type { Issue } from '../mapping/issue.js';
import { toUtf8 } from './csv.encoding.js';
import type { CsvHeader } from './csv.header.js';
import type { CsvShape } from './csv.inspection.js';
import { LIMITS } from './csv.limits.js';
import { FileRefused } from './csv.refusal.js';
import { type CsvRecord, CsvScanner } from './csv.scanner.js';
import { withoutFormulaEscape } from './csv.writer.js';

/** A row: `row` counts from 1 below the header, `line` is the line in the file. A `fault` rejects the row. */
export interface CsvRow {
  readonly row: number;
  readonly line: number;
  /** The cells of the row. A broken row has one cell with its first line. */
  readonly cells: readonly string[];
  readonly fault?: Issue;
}

/**
 * Reads the rows of a decompressed file in batches, in constant memory. Empty rows are skipped. Throws `FileRefused` for too many rows,
 * too many broken rows, or no row.
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
      // The LF that remains of a CRLF is an empty line, and empty lines are skipped.
      yield chunk.subarray(end + 1);
    }
  }
}

/** The cells of a row by the column names of the mapping. In an uploaded `errors.csv`, the escapes of formulas are removed. */
export function cellsByColumn(cells: readonly string[], header: CsvHeader): ReadonlyMap<string, string> {
  const cellsOf = new Map<string, string>();
  for (const [column, at] of header.places) {
    const text = cells[at] ?? '';
    cellsOf.set(column, header.report ? withoutFormulaEscape(text) : text);
  }
  return cellsOf;
}
