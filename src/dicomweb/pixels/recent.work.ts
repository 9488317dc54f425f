interface Entry<Result> {
  readonly result: Promise<Result>;
  /** 0 until the work has ended. */
  weight: number;
}

/** The limits of a cache: the number of its results, and their total weight. `isFinal` decides which errors are kept like results. */
export interface RecentLimits {
  readonly most: number;
  readonly mostWeight: number;
  readonly isFinal: (error: unknown) => boolean;
}

/**
 * Runs work once for each key and keeps the results, with estimated weights in bytes. Equal work that runs at the same time runs once. When
 * a limit is exceeded, the least recently used results are removed.
 */
export class RecentWork<Result extends { readonly weight: number }> {
  readonly #limits: RecentLimits;
  /** The least recently used entry is first. */
  readonly #entries = new Map<string, Entry<Result>>();
  #weight = 0;

  constructor(limits: RecentLimits) {
    this.#limits = limits;
  }

  /** The number of results and final errors in memory, including running work. */
  get size(): number {
    return this.#entries.size;
  }

  /** Returns the result of the work with this key. If it is not known, starts `work`. */
  run(key: string, work: () => Promise<Result>): Promise<Result> {
    const known = this.#entries.get(key);
    const entry = known ?? { result: work(), weight: 0 };
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (known === undefined) {
      this.#evict();
      void this.#settle(key, entry);
    }
    return entry.result;
  }

  /** Adds the weight of a result, or removes an error that is not final. The caller of `run` gets the error. */
  async #settle(key: string, entry: Entry<Result>): Promise<void> {
    try {
      const { weight } = await entry.result;
      if (this.#entries.get(key) !== entry) return;
      entry.weight = weight;
      this.#weight += weight;
      this.#evict();
    } catch (error) {
      if (!this.#limits.isFinal(error) && this.#entries.get(key) === entry) this.#entries.delete(key);
    }
  }

  #evict(): void {
    const { most, mostWeight } = this.#limits;
    for (const [key, { weight }] of this.#entries) {
      if (this.#entries.size <= most && this.#weight <= mostWeight) return;
      this.#entries.delete(key);
      this.#weight -= weight;
    }
  }
}
