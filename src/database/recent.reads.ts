/**
 * How long a value that was read from the database may be used, in milliseconds, counted from the start of its statement. A change of
 * rights must be effective within five seconds, even if no notification arrives.
 */
const VALID_MS = 4_000;

interface Kept<Value> {
  readonly value: Value;
  readonly until: number;
}

/**
 * Keeps the result of a read. `validMs`: how long the value is valid, in milliseconds from the start of the read, if this is less than
 * four seconds. Nothing is kept if {@link RecentReads.drop} or {@link RecentReads.clear} was called after the read began.
 */
export type Keep<Value> = (key: string, value: Value, validMs?: number) => void;

/**
 * Values that were read from the database a short time ago, at most `limit`. When the limit is reached, the oldest value is dropped. Holds
 * only results of successful reads. A caller that finds no value here reads the database.
 */
export class RecentReads<Value> {
  readonly #kept = new Map<string, Kept<Value>>();
  readonly #limit: number;
  #changes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The value, if it is still valid. */
  get(key: string): Value | undefined {
    const found = this.#kept.get(key);
    if (found === undefined) return undefined;
    if (performance.now() < found.until) return found.value;
    this.#kept.delete(key);
    return undefined;
  }

  /** Must be called before the statement of a read is sent. Returns a function that keeps the result of the read. */
  begin(): Keep<Value> {
    const startedAt = performance.now();
    const changes = this.#changes;
    return (key, value, validMs = VALID_MS) => {
      // The statement may have read the rows before the change.
      if (changes !== this.#changes) return;
      this.#kept.delete(key);
      this.#kept.set(key, { value, until: startedAt + Math.min(validMs, VALID_MS) });
      const [oldest] = this.#kept.keys();
      if (this.#kept.size > this.#limit && oldest !== undefined) this.#kept.delete(oldest);
    };
  }

  /** Drops one value, because the rows that it was read from have changed. */
  drop(key: string): void {
    this.#changes += 1;
    this.#kept.delete(key);
  }

  /** Drops all values. */
  clear(): void {
    this.#changes += 1;
    this.#kept.clear();
  }
}
