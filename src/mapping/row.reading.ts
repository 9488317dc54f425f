import { readDate } from './values/dates.js';
import { type Cells, type Evaluated, type Expression, type Tables, evaluate } from './values/expression.js';
import { type Issue, issue } from './issue.js';
import type { MappingDocument } from './mapping.document.js';

/** The state during the mapping of a row: the cells, the document, and the issues found so far. */
export class RowReading {
  readonly issues: Issue[] = [];

  constructor(
    readonly document: MappingDocument,
    private readonly tables: Tables,
    readonly cells: Cells,
    /** The day that the row describes (`yyyy-MM-dd`). */
    readonly day: string,
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

  /** Reads a FHIR date in the formats of the column. An invalid date becomes an issue that rejects the row. */
  date(value: Evaluated): string | undefined {
    const formats = value.column === undefined ? undefined : this.document.columns[value.column]?.formats;
    const reading = readDate(value.text, formats ?? ['yyyy-MM-dd']);
    if ('date' in reading) return reading.date;
    this.issues.push(issue(reading.fault, value.column));
    return undefined;
  }
}
