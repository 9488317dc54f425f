/**
 * A cache of values with at most `limit` bytes in total. When the cache is full, the least recently used values are evicted. A value longer
 * than an eighth of the limit is not cached.
 */
export class RecentBytes {
  #bytes = 0;
  readonly #limit: number;
  readonly #values = new Map<string, Buffer>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: string): Buffer | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    // Moves the entry to the end of the map, where the most recently used entry is.
    this.#values.delete(key);
    this.#values.set(key, value);
    return value;
  }

  set(key: string, value: Buffer): void {
    if (value.length > this.#limit / 8 || this.#values.has(key)) return;
    this.#values.set(key, value);
    this.#bytes += value.length;
    for (const [oldest, { length }] of this.#values) {
      if (this.#bytes <= this.#limit) return;
      this.#values.delete(oldest);
      this.#bytes -= length;
    }
  }
}
