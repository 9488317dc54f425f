import { TooMany } from '../problems/errors.js';

/** Attempts under way in one gateway, from one neighbourhood and in all; more wait for no database but are told to come again. */
const FROM_ONE = 50;
const IN_ALL = 300;
const RETRY_SECONDS = 2;
/** Names refused lately, so that repeating costs no question; forgotten all at once when they are this many. */
const REMEMBERED = 10_000;

/** Bounds what a flood of sign-ins may ask of PostgreSQL: what is over its limits ends here, in memory. */
export class LoginConcurrency {
  private readonly underWay = new Map<string, number>();
  private readonly refusedUntil = new Map<string, number>();
  private all = 0;

  /**
   * Begins an attempt and returns the function that ends it. Throws {@link TooMany} when too many attempts from this network, or in all,
   * are under way, or while one of the subjects must wait.
   */
  enter(network: string, subjects: readonly string[]): () => void {
    for (const subject of subjects) this.refuseWaiting(subject);
    const before = this.underWay.get(network) ?? 0;
    if (before >= FROM_ONE || this.all >= IN_ALL) throw new TooMany('too-many-sign-ins', RETRY_SECONDS);
    this.underWay.set(network, before + 1);
    this.all += 1;
    return () => {
      this.all -= 1;
      const left = (this.underWay.get(network) ?? 1) - 1;
      if (left === 0) this.underWay.delete(network);
      else this.underWay.set(network, left);
    };
  }

  /** Notes that a subject must wait so many seconds, as PostgreSQL said. */
  mustWait(subject: string, seconds: number): void {
    if (this.refusedUntil.size >= REMEMBERED) this.refusedUntil.clear();
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
