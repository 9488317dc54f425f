/** The number of attempts that the server answers with 500 before parts of the transaction are sent. */
const MOST_ATTEMPTS = 2;
/** After this time, a row that fails alone is rejected, although no other row was written in the meantime. */
const LONGEST_MS = 30 * 60_000;

/**
 * Decides about rows whose transactions the server answers with 500. The server can fail for all rows, for example because its disk is full.
 * The rows then wait. A row is rejected if it fails alone while the server writes other rows.
 */
export class ServerFailures<Row> {
  private attempts = 0;
  private since: number | undefined;
  private isWriting = false;
  /** The rows that failed alone. The value says whether the server had written other rows before. */
  private readonly alone = new Map<Row, boolean>();

  constructor(private readonly now: () => number = Date.now) {}

  /** Records that the server answered 500 to a whole attempt. */
  failed(): void {
    this.attempts += 1;
    this.since ??= this.now();
  }

  /** Records that the server has written some rows. */
  wrote(): void {
    if (this.attempts > 0) this.isWriting = true;
  }

  /** Records that the server answered 500 to a part of the rows. Returns false when parts must not be sent yet. */
  isPartOf(group: readonly Row[]): boolean {
    if (this.attempts < MOST_ATTEMPTS) return false;
    const [only, ...others] = group;
    if (only !== undefined && others.length === 0) this.alone.set(only, this.isWriting);
    return true;
  }

  /** The rows among `rows` that failed alone and must wait, because the server may fail for all rows. */
  waiting(rows: readonly Row[]): Row[] {
    const isLong = this.now() - (this.since ?? this.now()) >= LONGEST_MS;
    return isLong ? [] : rows.filter((row) => this.alone.get(row) === false);
  }
}
