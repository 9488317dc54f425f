import { readDate } from './values/dates.js';
import { type Cells, type Evaluated, type Expression, type Tables, evaluate } from './values/expression.js';
import { type Issue, issue } from './issue.js';
import type { MappingDocument } from './mapping.document.js';

/** One row while it is read: its cells, the document, and the issues found so far. */
export class RowReading {
  readonly issues: Issue[] = [];

  constructor(
    readonly document: MappingDocument,
    private readonly tables: Tables,
    readonly cells: Cells,
    /** The day the row speaks of (`yyyy-MM-dd`). */
    readonly day: string,
  ) {}

  /** The value of an expression; nothing for an empty cell. */
  value(expression: Expression): Evaluated | undefined {
    return evaluate(expression, this.cells, this.tables);
  }

  /** Whether a cell holds what is no text, or a formula, or too much of it: nothing is read from it. */
  isUnreadable(column: string): boolean {
    return this.issues.some(
      (one) => one.column === column && one.severity === 'error' && one.code.startsWith('cell-'),
    );
  }

  /** The FHIR date of a value by the formats of its column; a fault is an issue that rejects the row. */
  date(value: Evaluated): string | undefined {
    const formats = value.column === undefined ? undefined : this.document.columns[value.column]?.formats;
    const reading = readDate(value.text, formats ?? ['yyyy-MM-dd']);
    if ('date' in reading) return reading.date;
    this.issues.push(issue(reading.fault, value.column));
    return undefined;
  }
}
