import { type CsvError, type Parser, parse } from 'csv-parse';
import { z } from 'zod';
import { type Issue, issue } from '../mapping/issue.js';
import { LIMITS } from './csv.limits.js';
import { FileRefused } from './csv.refusal.js';
import { isHeader, withoutBlankEnd } from './header.finder.js';

/**
 * A record of the file. `line` is the line number of its first line, where the first line of the file is 1. `row` is the row in which a
 * spreadsheet program shows it: blank lines are rows, and a record of several lines is one row. A `fault` is the reason why the cells must
 * not be used.
 */
export interface CsvRecord {
  readonly row: number;
  readonly line: number;
  readonly cells: readonly string[];
  readonly fault?: Issue;
}

const Cells = z.array(z.string());
/** This error is thrown in a callback of csv-parse, to stop the parser at a broken record. */
const BROKEN_RECORD = new Error('A record is broken.');
const LF = 0x0a;
const CR = 0x0d;

/**
 * Splits UTF-8 into records with csv-parse. A record is broken if it has an open quote, has a quote inside a cell, or is longer than 64
 * KiB. The first line of a broken record becomes one record with a fault, and the next line starts a new record. At most one record and one
 * chunk are in memory.
 */
export class CsvScanner {
  private found: CsvRecord[] = [];
  private parser: Parser;
  /** The bytes after the last good record. */
  private tail: Buffer = Buffer.alloc(0);
  private tailStart = 0;
  private goodEnd = 0;
  /** The line number at the end of the last good record. */
  private line = 1;
  /** The number of lines so far that do not begin a row, because they continue a cell of several lines. */
  private continued = 0;
  private isPastHeader = false;
  private broken: 'quote-broken' | 'row-too-large' | undefined;
  private brokenRows = 0;
  /** Whether the scanner skips the rest of a line that is too long. */
  private skipping = false;
  /**
   * Whether the parser is ending. In that state, its callbacks run from the event loop and must not throw, because no code would catch the
   * error.
   */
  private ending = false;

  /** `names` are the column names without empty names at the end. A record below the header must have one cell for each of them. */
  constructor(
    private readonly delimiter: string,
    private readonly names: readonly string[],
  ) {
    this.parser = this.start();
  }

  /** Adds the next bytes and returns the complete records. */
  push(chunk: Buffer): CsvRecord[] {
    this.feed(chunk);
    return this.takeRecords();
  }

  /** Ends the input and returns the last records. */
  async finish(): Promise<CsvRecord[]> {
    for (;;) {
      const { parser } = this;
      this.ending = true;
      const ended = new Promise<void>((resolve) => {
        parser.once('close', resolve);
      });
      parser.resume().end();
      await ended;
      this.ending = false;
      if (this.broken === undefined) return this.takeRecords();
      this.recover();
    }
  }

  private takeRecords(): CsvRecord[] {
    const records = this.found;
    this.found = [];
    return records;
  }

  private feed(chunk: Buffer): void {
    const rest = this.skipping ? this.afterLongLine(chunk) : chunk;
    if (rest.length === 0) return;
    this.tail = this.tail.length === 0 ? rest : Buffer.concat([this.tail, rest]);
    this.write(rest);
    while (this.broken !== undefined) this.recover();
    this.trimTail();
  }

  private trimTail(): void {
    this.tail = this.tail.subarray(this.goodEnd - this.tailStart);
    this.tailStart = this.goodEnd;
  }

  /** Reports the first line of the tail as a record with a fault. Restarts the parser at the next line. */
  private recover(): void {
    this.trimTail();
    this.brokenRows += 1;
    if (this.brokenRows > LIMITS.brokenRows) throw new FileRefused('file-broken-quotes');
    let begin = 0;
    while (this.tail[begin] === LF || this.tail[begin] === CR) begin += 1;
    const text = this.tail.subarray(begin);
    const end = endOfLine(text);
    const long = end === undefined ? text.length > LIMITS.record : end.at > LIMITS.record;
    const first = text.subarray(0, Math.min(end?.at ?? text.length, LIMITS.record)).toString('utf8');
    this.line += countLines(this.tail.subarray(0, begin));
    this.found.push({
      row: this.line - this.continued,
      line: this.line,
      cells: [first],
      fault: issue(long ? 'row-too-large' : 'quote-broken'),
    });
    const rest = end === undefined ? Buffer.alloc(0) : text.subarray(end.next);
    this.skipping = end === undefined;
    if (end !== undefined) this.line += 1;
    this.broken = undefined;
    this.parser.destroy();
    this.parser = this.start();
    this.tail = rest;
    this.tailStart = 0;
    this.goodEnd = 0;
    if (rest.length > 0) this.write(rest);
  }

  private write(bytes: Buffer): void {
    try {
      this.parser.write(bytes);
    } catch (error) {
      if (error !== BROKEN_RECORD) throw error;
    }
  }

  private markBroken(reason: 'quote-broken' | 'row-too-large'): void {
    this.broken = reason;
    if (!this.ending) throw BROKEN_RECORD;
  }

  private afterLongLine(chunk: Buffer): Buffer {
    const end = endOfLine(chunk);
    if (end === undefined) return Buffer.alloc(0);
    this.skipping = false;
    this.line += 1;
    return chunk.subarray(end.next);
  }

  private start(): Parser {
    const parser = parse({
      delimiter: this.delimiter,
      record_delimiter: ['\r\n', '\n', '\r'],
      max_record_size: LIMITS.record,
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_error: true,
      info: false,
      on_record: (cells: unknown, { bytes }: { bytes: number }) => {
        this.accept(Cells.parse(cells), bytes, parser);
        return null;
      },
      on_skip: (error: CsvError | undefined) => {
        this.skip(error, parser);
        return undefined;
      },
    });
    // on_skip handles the errors. Without a listener, an `error` event would end the process.
    parser.on('error', () => undefined);
    return parser;
  }

  private accept(cells: string[], bytes: number, parser: Parser): void {
    if (this.broken !== undefined || parser !== this.parser) return;

    const begin = this.goodEnd - this.tailStart;
    const end = bytes - this.tailStart;
    let from = begin;
    let to = end;
    while (from < end && isLineEnd(this.tail[from])) from += 1;
    while (to > from && isLineEnd(this.tail[to - 1])) to -= 1;
    const line = this.line + countLines(this.tail, begin, from);
    const row = line - this.continued;
    const inner = countLines(this.tail, from, to);
    const { length } = this.names;
    const isAligned =
      cells.length === length || (cells.length > length && withoutBlankEnd(cells).length <= length);
    // Title lines above the header can have any number of cells.
    const fits = !this.isPastHeader || isAligned;
    this.isPastHeader ||= isHeader(cells, this.names);
    // If a record has several lines and a wrong number of cells, one of its quotes was not closed. The cell ended only at a quote in a
    // later line.
    if (!fits && inner > 0) {
      this.markBroken('quote-broken');
      return;
    }
    this.goodEnd = bytes;
    this.line = line + inner + countLines(this.tail, to, end);
    this.continued += inner;
    this.found.push(
      fits
        ? { row, line, cells: isAligned && cells.length > length ? cells.slice(0, length) : cells }
        : { row, line, cells, fault: issue('column-count') },
    );
  }

  private skip(error: CsvError | undefined, parser: Parser): void {
    if (this.broken !== undefined || parser !== this.parser) return;
    this.markBroken(error?.code === 'CSV_MAX_RECORD_SIZE' ? 'row-too-large' : 'quote-broken');
  }
}

const isLineEnd = (byte: number | undefined): boolean => byte === LF || byte === CR;

/** The number of line ends from position `from` up to and without position `to`. */
function countLines(bytes: Buffer, from = 0, to = bytes.length): number {
  let lines = 0;
  for (let at = from; at < to; at += 1)
    if (bytes[at] === LF || (bytes[at] === CR && bytes[at + 1] !== LF)) lines += 1;
  return lines;
}

function endOfLine(bytes: Buffer): { at: number; next: number } | undefined {
  const ends = [bytes.indexOf(LF), bytes.indexOf(CR)].filter((at) => at >= 0);
  if (ends.length === 0) return undefined;
  const at = Math.min(...ends);
  return { at, next: bytes[at] === CR && bytes[at + 1] === LF ? at + 2 : at + 1 };
}
