/**
 * A cache of texts with at most `limit` bytes in total. When the cache is full, the least recently used texts are evicted. A text longer
 * than an eighth of the limit is not cached.
 */
export class RecentTexts {
  #bytes = 0;
  readonly #limit: number;
  readonly #texts = new Map<string, Buffer>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: string): Buffer | undefined {
    const text = this.#texts.get(key);
    if (text === undefined) return undefined;
    // Moves the entry to the end of the map, where the most recently used entry is.
    this.#texts.delete(key);
    this.#texts.set(key, text);
    return text;
  }

  set(key: string, text: Buffer): void {
    if (text.length > this.#limit / 8 || this.#texts.has(key)) return;
    this.#texts.set(key, text);
    this.#bytes += text.length;
    for (const [oldest, { length }] of this.#texts) {
      if (this.#bytes <= this.#limit) return;
      this.#texts.delete(oldest);
      this.#bytes -= length;
    }
  }
}
