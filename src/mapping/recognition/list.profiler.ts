import { type ColumnProfile, ColumnProfiler } from './column.profile.js';
import { readColumnNames } from './header.reader.js';
import { ResultTally, type TestTally } from './result.tally.js';

/** What is known about a list from all its rows. It contains examples of its cells, so it must not be logged. */
export interface ListProfile {
  readonly rows: number;
  readonly columns: readonly ColumnProfile[];
  /** For a list with one result in each row: the tests, each with its units and the range of its values. */
  readonly tests: readonly TestTally[];
}

/** Collects the facts about the columns of a list in one pass. Its memory use does not depend on the number of rows. */
export class ListProfiler {
  private rows = 0;
  private readonly columns: readonly ColumnProfiler[];
  private readonly tally: ResultTally;

  /** `names` are the column names of the file, in their order. */
  constructor(names: readonly string[]) {
    this.columns = names.map((name) => new ColumnProfiler(name));
    this.tally = new ResultTally(readColumnNames(names));
  }

  /** Adds the cells of the next row. */
  add(cells: readonly string[]): void {
    this.rows += 1;
    for (const [at, column] of this.columns.entries()) column.add(cells[at] ?? '');
    this.tally.add(cells);
  }

  profile(): ListProfile {
    return {
      rows: this.rows,
      columns: this.columns.map((column) => column.profile()),
      tests: this.tally.tests(),
    };
  }
}
