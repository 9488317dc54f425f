import { setTimeout as sleep } from 'node:timers/promises';

/** Largest number of items in one call of `write`. */
const LARGEST = 100;

interface Entry<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Writes items together. While one group is being written, new items gather, and the next call of `write` gets all of them in the order of
 * their arrival. `write` returns the outcomes in this order. If it throws, every item of the group fails with the error.
 */
export class WriteGroup<Item, Result> {
  private waiting: Entry<Item, Result>[] = [];
  private isWriting = false;

  /** `gatherMs` returns how long to wait for more items before the next write, in milliseconds. It gets the number of waiting items. */
  constructor(
    private readonly write: (items: readonly Item[]) => Promise<readonly PromiseSettledResult<Result>[]>,
    private readonly gatherMs: (waiting: number) => number,
  ) {}

  /** Resolves to the result of this item after the group that contains the item was written. */
  add(item: Item): Promise<Result> {
    const result = new Promise<Result>((resolve, reject) => this.waiting.push({ item, resolve, reject }));
    if (!this.isWriting) void this.writeAll();
    return result;
  }

  private async writeAll(): Promise<void> {
    this.isWriting = true;
    while (this.waiting.length > 0) {
      const pause = this.waiting.length < LARGEST ? this.gatherMs(this.waiting.length) : 0;
      if (pause > 0) await sleep(pause);
      await this.writeNext(this.waiting.splice(0, LARGEST));
    }
    this.isWriting = false;
  }

  private async writeNext(group: readonly Entry<Item, Result>[]): Promise<void> {
    try {
      const outcomes = await this.write(group.map(({ item }) => item));
      for (const [at, { resolve, reject }] of group.entries()) {
        const outcome = outcomes[at];
        if (outcome?.status === 'fulfilled') resolve(outcome.value);
        else reject(outcome?.reason ?? new Error('a write returned too few outcomes'));
      }
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
}
