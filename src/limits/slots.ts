import { TooMany } from '../problems/errors.js';

const RETRY_SECONDS = 2;

/** How much may run at one time. Without a number there is no bound of that kind. */
export interface SlotLimits {
  readonly places: number;
  /** Places that one account may hold. */
  readonly perAccount?: number;
  /** Requests that may wait for a place; beyond it {@link TooMany}. */
  readonly queue?: number;
}

interface Waiter {
  readonly account: string | undefined;
  readonly enter: () => void;
}

/**
 * A bounded number of places. A place is a scope, never a value: it is held exactly as long as the promise of the work in it, so it
 * cannot outlive its holder. A freed place goes to the waiter whose account holds the fewest places, then to the one who waited longest.
 */
export class Slots {
  private running = 0;
  private readonly held = new Map<string | undefined, number>();
  private readonly waiting = new Set<Waiter>();

  constructor(private readonly limits: SlotLimits) {}

  /**
   * Runs `work` in a place, waiting for one if needed; the place is free again when the promise of `work` settles. Waiting ends with
   * the reason of `signal` when it aborts; `work` itself must end when its holder is gone. Work without an account has no bound per
   * account. Throws {@link TooMany} when the queue is full.
   */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal, account?: string): Promise<T> {
    signal?.throwIfAborted();
    if (this.isFreeFor(account)) this.enter(account);
    else await this.turn(signal, account);
    try {
      // It may have aborted between the turn and now.
      signal?.throwIfAborted();
      return await work();
    } finally {
      this.leave(account);
    }
  }

  /** Resolves when the place is held: whoever frees one enters the next before anybody else can. */
  private turn(signal: AbortSignal | undefined, account: string | undefined): Promise<void> {
    const { queue } = this.limits;
    if (queue !== undefined && this.waiting.size >= queue)
      throw new TooMany('too-many-requests', RETRY_SECONDS);
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.waiting.delete(waiter);
        reject(signal?.reason);
      };
      const waiter: Waiter = {
        account,
        enter: () => {
          this.waiting.delete(waiter);
          signal?.removeEventListener('abort', leave);
          this.enter(account);
          resolve();
        },
      };
      this.waiting.add(waiter);
      signal?.addEventListener('abort', leave, { once: true });
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
