import { TooMany } from '../problems/errors.js';

const RETRY_SECONDS = 2;

/** Limits for concurrent work. An absent number means that there is no limit. */
export interface SlotLimits {
  /** Total number of slots. */
  readonly places: number;
  /** Largest number of slots for one account. */
  readonly perAccount?: number;
  /** Largest number of requests that wait for a slot. For a further request, `run` throws {@link TooMany}. */
  readonly queue?: number;
}

interface Waiter {
  readonly account: string | undefined;
  readonly enter: () => void;
}

/**
 * A limited number of slots for concurrent work. A slot is freed when the promise of its work settles, so that no slot is lost. A free slot
 * goes to the account that holds the fewest slots. If several accounts hold equally few slots, it goes to the request that has waited
 * longest.
 */
export class Slots {
  private running = 0;
  private readonly held = new Map<string | undefined, number>();
  private readonly waiting = new Set<Waiter>();

  constructor(private readonly limits: SlotLimits) {}

  /**
   * Waits for a slot and runs `work` in it. When `signal` aborts, a waiting call rejects with the signal's reason. Running work is not
   * stopped, unless the work uses the signal too. Work without an account has no limit per account. Throws {@link TooMany} when the queue
   * is full.
   */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal, account?: string): Promise<T> {
    signal?.throwIfAborted();
    if (this.isFreeFor(account)) this.enter(account);
    else await this.wait(signal, account);
    try {
      // The signal can abort after the slot was assigned.
      signal?.throwIfAborted();
      return await work();
    } finally {
      this.leave(account);
    }
  }

  /**
   * Resolves when the caller holds a slot. A freed slot is assigned to a waiting request immediately, before a new request can take the
   * slot.
   */
  private wait(signal: AbortSignal | undefined, account: string | undefined): Promise<void> {
    const { queue } = this.limits;
    if (queue !== undefined && this.waiting.size >= queue)
      throw new TooMany('too-many-requests', RETRY_SECONDS);
    return new Promise((resolve, reject) => {
      const cancel = () => {
        this.waiting.delete(waiter);
        reject(signal?.reason);
      };
      const waiter: Waiter = {
        account,
        enter: () => {
          this.waiting.delete(waiter);
          signal?.removeEventListener('abort', cancel);
          this.enter(account);
          resolve();
        },
      };
      this.waiting.add(waiter);
      signal?.addEventListener('abort', cancel, { once: true });
    });
  }

  private enter(account: string | undefined): void {
    this.running += 1;
    this.held.set(account, this.heldBy(account) + 1);
  }

  private leave(account: string | undefined): void {
    this.running -= 1;
    const left = this.heldBy(account) - 1;
    if (left === 0) this.held.delete(account);
    else this.held.set(account, left);
    this.next()?.enter();
  }

  private next(): Waiter | undefined {
    let best: Waiter | undefined;
    let fewest = Number.POSITIVE_INFINITY;
    for (const waiter of this.waiting) {
      const held = this.heldBy(waiter.account);
      if (held >= fewest || !this.isFreeFor(waiter.account)) continue;
      best = waiter;
      fewest = held;
      if (held === 0) break;
    }
    return best;
  }

  private heldBy(account: string | undefined): number {
    return this.held.get(account) ?? 0;
  }

  private isFreeFor(account: string | undefined): boolean {
    if (this.running >= this.limits.places) return false;
    return account === undefined || this.heldBy(account) < (this.limits.perAccount ?? this.limits.places);
  }
}
