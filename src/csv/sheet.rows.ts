import { LIMITS } from './csv.limits.js';
import { FileRefused } from './csv.refusal.js';

/** The maximum number of rows of a sheet in a spreadsheet program. */
const MOST_ROWS = 1_048_576;
/** The maximum length of the texts of a row. Such a record is above the limit of a record, so the row is rejected. */
const MOST_TEXT = LIMITS.record + 1_024;
/** A high ratio is allowed for small sheets. */
const SMALL = 2 ** 24;
/** The maximum ratio of the lines to the XML of a sheet. A text that is stored once can occur in many cells. */
const RATIO = 50;

/**
 * Collects the rows of a sheet as CSV lines. Each row of the sheet is one record, also a blank row, so row numbers stay the same. Throws
 * `FileRefused` for too many rows or columns, and if repeated texts make the lines much longer than the sheet.
 */
export class SheetRows {
  /** The lines that were not taken yet. The first line says the delimiter. */
  private lines = 'sep=,\r\n';
  private total = 0;
  private read = 0;
  private lastRow = 0;
  private cells: string[] = [];
  private length = 0;
  private width = 0;

  /** Counts the bytes of the sheet that were read. */
  count(bytes: number): void {
    this.read += bytes;
  }

  /** Sets a cell of the current row. The first column has the place 0. The end of a record that is too long is left out. */
  set(place: number, text: string): void {
    if (text === '') return;
    if (place >= LIMITS.sheetColumns) throw new FileRefused('file-columns-too-many');
    const room = Math.max(0, MOST_TEXT - this.length);
    this.length += text.length;
    this.cells[place] = text.slice(0, room);
  }

  /** Ends a row. `number` is the number of the row in the sheet, and `times` the number of equal rows from there. */
  end(number: number, times = 1): void {
    const isBlank = this.cells.length === 0;
    // Blank rows count only if another row follows.
    if (!isBlank) {
      if (!(number > this.lastRow && number + times - 1 <= MOST_ROWS))
        throw new FileRefused('file-spreadsheet');
      this.width = Math.max(this.width, this.cells.length);
      const line = `${Array.from({ length: this.width }, (_, at) => quoted(this.cells[at] ?? '')).join(',')}\r\n`;
      this.add('\r\n', number - this.lastRow - 1);
      this.add(line, times);
      this.lastRow = number + times - 1;
    }
    this.cells = [];
    this.length = 0;
  }

  /** Takes the lines that were collected. */
  take(): Buffer | undefined {
    const { lines } = this;
    this.lines = '';
    return lines === '' ? undefined : Buffer.from(lines);
  }

  private add(line: string, times: number): void {
    this.total += line.length * times;
    if (this.total > SMALL && this.total > this.read * RATIO) throw new FileRefused('file-gzip-bomb');
    this.lines += line.repeat(times);
  }
}

const quoted = (text: string): string => (/[",\r\n]/u.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
