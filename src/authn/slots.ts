import { TooMany } from '../problems/errors.js';

const RETRY_SECONDS = 2;

/** At most `size` pieces of work at once, at most `queue` waiting; beyond that {@link TooMany}. */
export class Slots {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly size: number,
    private readonly queue: number,
  ) {}

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.running < this.size) this.running += 1;
    else await this.turn();
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      // The slot is handed on, not given back, so that nobody can slip in between.
      if (next === undefined) this.running -= 1;
      else next();
    }
  }

  private turn(): Promise<void> {
    if (this.waiting.length >= this.queue) throw new TooMany(RETRY_SECONDS);
    return new Promise((resolve) => this.waiting.push(resolve));
  }
}
