/** Texts that were made lately, the least recently used of them forgotten: at most so many bytes in all, and of each at most an eighth of that. */
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
    // The last of a map is its newest.
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
