import { readDate } from './values/dates.js';
import { type Cells, type Evaluated, type Expression, type Tables, evaluate } from './values/expression.js';
import { type Issue, issue } from './issue.js';
import type { MappingDocument } from './mapping.document.js';

/** A row while it is mapped: its cells, the document, and the issues found so far. */
export class RowReading {
  readonly issues: Issue[] = [];

  constructor(
    readonly document: MappingDocument,
    private readonly tables: Tables,
    readonly cells: Cells,
    /** The day the row describes (`yyyy-MM-dd`). */
    readonly day: string,
  ) {}

  /** The value of an expression; undefined for an empty cell. */
  value(expression: Expression): Evaluated | undefined {
    return evaluate(expression, this.cells, this.tables);
  }

  /** Whether a cell has an error of its own (`cell-…`), so that its text must not be used. */
  isUnreadable(column: string): boolean {
    return this.issues.some(
      (one) => one.column === column && one.severity === 'error' && one.code.startsWith('cell-'),
    );
  }

  /** Reads a FHIR date in the formats of the column. An invalid date becomes an issue that rejects the row. */
  date(value: Evaluated): string | undefined {
    const formats = value.column === undefined ? undefined : this.document.columns[value.column]?.formats;
    const reading = readDate(value.text, formats ?? ['yyyy-MM-dd']);
    if ('date' in reading) return reading.date;
    this.issues.push(issue(reading.fault, value.column));
    return undefined;
  }
}
