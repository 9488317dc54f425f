import { TooMany } from '../problems/errors.js';

/**
 * Largest number of concurrent sign-in attempts in one gateway process, from one network and in total. Further attempts are refused without
 * a database query.
 */
const MAX_PER_NETWORK = 50;
const MAX_ATTEMPTS = 300;
const RETRY_SECONDS = 2;
/**
 * Largest number of subjects in the cache of refusals. The cache saves a database query when a refused subject tries again. A full cache is
 * cleared.
 */
const MAX_REFUSED = 10_000;

/** Limits concurrent sign-ins, so that a flood of sign-ins does not reach PostgreSQL. */
export class LoginConcurrency {
  private readonly running = new Map<string, number>();
  private readonly refusedUntil = new Map<string, number>();
  private total = 0;

  /**
   * Begins an attempt and returns the function that ends it. Throws {@link TooMany} when too many attempts are running, from this network
   * or in total. Also throws {@link TooMany} when one of the subjects must still wait.
   */
  enter(network: string, subjects: readonly string[]): () => void {
    for (const subject of subjects) this.refuseWaiting(subject);
    const before = this.running.get(network) ?? 0;
    if (before >= MAX_PER_NETWORK || this.total >= MAX_ATTEMPTS)
      throw new TooMany('too-many-sign-ins', RETRY_SECONDS);
    this.running.set(network, before + 1);
    this.total += 1;
    return () => {
      this.total -= 1;
      const left = (this.running.get(network) ?? 1) - 1;
      if (left === 0) this.running.delete(network);
      else this.running.set(network, left);
    };
  }

  /** Records that `subject` must wait for `seconds` before its next attempt. */
  mustWait(subject: string, seconds: number): void {
    if (this.refusedUntil.size >= MAX_REFUSED) this.refusedUntil.clear();
    this.refusedUntil.set(subject, performance.now() + seconds * 1000);
  }

  private refuseWaiting(subject: string): void {
    const until = this.refusedUntil.get(subject);
    if (until === undefined) return;
    const left = Math.ceil((until - performance.now()) / 1000);
    if (left > 0) throw new TooMany('too-many-sign-ins', left);
    this.refusedUntil.delete(subject);
  }
}
