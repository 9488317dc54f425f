/**
 * The keys that have changed, at most `limit`. A key can be taken when it has not changed for `quietMs` milliseconds. The key with the latest
 * change is taken first. If the queue is full, the key with the earliest change is dropped. Times are milliseconds of any one clock.
 */
export class QuietQueue {
  /** In the order of the changes, the earliest first. */
  readonly #changes = new Map<string, number>();
  readonly #quietMs: number;
  readonly #limit: number;

  constructor(quietMs: number, limit: number) {
    this.#quietMs = quietMs;
    this.#limit = limit;
  }

  /** Adds a key that changed at this time. Times must not decrease from call to call. */
  note(key: string, at: number): void {
    this.#changes.delete(key);
    this.#changes.set(key, at);
    const [earliest] = this.#changes.keys();
    if (this.#changes.size > this.#limit && earliest !== undefined) this.#changes.delete(earliest);
  }

  /** Whether the key has changed since it was last taken. */
  has(key: string): boolean {
    return this.#changes.has(key);
  }

  /** Removes a key. */
  drop(key: string): void {
    this.#changes.delete(key);
  }

  /** Removes and returns the key with the latest change among the quiet ones. */
  take(now: number): string | undefined {
    const quiet = [...this.#changes].findLast(([, at]) => now - at >= this.#quietMs);
    if (quiet === undefined) return undefined;
    this.#changes.delete(quiet[0]);
    return quiet[0];
  }
}
