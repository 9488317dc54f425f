import { isAfter, readDate } from './values/dates.js';
import { type Cells, type Evaluated, type Expression, type Tables, evaluate } from './values/expression.js';
import type { IssueCode, Severity } from './issue.codes.js';
import { type Issue, issue } from './issue.js';
import type { MappingDocument } from './mapping.document.js';
import { type MomentRead, readMoment } from './values/times.js';

/** The state during the mapping of a row: the cells, the document, and the issues found so far. */
export class RowReading {
  readonly issues: Issue[] = [];

  constructor(
    readonly document: MappingDocument,
    private readonly tables: Tables,
    readonly cells: Cells,
    /** The day that the row describes (`yyyy-MM-dd`). */
    readonly day: string,
    /** The last day that is not in the future. */
    readonly latest = day,
  ) {}

  /** The value of an expression. The value is undefined when the cell is empty or the condition of the expression is false. */
  value(expression: Expression): Evaluated | undefined {
    return evaluate(expression, this.cells, this.tables);
  }

  /** Whether a cell has an error with a code `cell-…`. The text of such a cell must not be used. */
  isUnreadable(column: string): boolean {
    return this.issues.some(
      (one) => one.column === column && one.severity === 'error' && one.code.startsWith('cell-'),
    );
  }

  /** Adds an issue, unless the same issue of the same column exists already. */
  add(code: IssueCode, column: string | undefined, severity?: Severity): void {
    if (!this.issues.some((one) => one.code === code && one.column === column))
      this.issues.push(issue(code, column, severity));
  }

  /** Adds the reason why a measurement is left out. The policy of the mapping decides whether the reason rejects the row. */
  leaveOut(code: IssueCode, column: string | undefined): void {
    const rejects = this.document.policies.bad_measurement === 'reject';
    this.add(code, column, rejects ? 'error' : 'warning');
  }

  /** Reads the time of a measurement in the formats of the column. Returns undefined when the measurement must be left out. */
  moment(value: Evaluated): MomentRead | undefined {
    const column = value.column === undefined ? undefined : this.document.columns[value.column];
    const formats = column?.formats ?? ['yyyy-MM-dd' as const];
    const read = readMoment(value.text, formats, this.document.source.zone, { pivot: column?.pivot });
    if ('fault' in read) {
      this.leaveOut(read.fault, value.column);
      return undefined;
    }
    if (isAfter(read.identity.slice(0, 10), this.latest)) {
      this.leaveOut('date-future', value.column);
      return undefined;
    }
    if (read.zoneless === true) this.add('time-without-zone', value.column);
    if (read.pivoted === true) this.add('date-short-year', value.column);
    return read;
  }

  /** Reads a FHIR date in the formats of the column. An invalid date becomes an issue that rejects the row. */
  date(value: Evaluated): string | undefined {
    const column = value.column === undefined ? undefined : this.document.columns[value.column];
    const reading = readDate(value.text, column?.formats ?? ['yyyy-MM-dd'], { pivot: column?.pivot });
    if ('date' in reading) {
      if (reading.pivoted === true) this.add('date-short-year', value.column);
      return reading.date;
    }
    this.issues.push(issue(reading.fault, value.column));
    return undefined;
  }
}
