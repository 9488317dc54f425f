const FAILURES = 5;
const OPEN_MS = 2_000;

/**
 * A circuit breaker. It opens after five consecutive failures. While it is open, it allows one trial call every `openMs` (two seconds by
 * default).
 */
export class FhirBreaker {
  private failures = 0;
  private openUntil = 0;

  constructor(
    private readonly now: () => number = Date.now,
    private readonly openMs = OPEN_MS,
  ) {}

  /**
   * Whether a call is allowed now. While the breaker is open, only a trial call is allowed. The next trial call is allowed only after
   * another pause of `openMs`.
   */
  admits(): boolean {
    if (this.failures < FAILURES) return true;
    if (this.now() < this.openUntil) return false;
    this.openUntil = this.now() + this.openMs;
    return true;
  }

  /** Whether the breaker is open. */
  get isOpen(): boolean {
    return this.failures >= FAILURES;
  }

  succeeded(): void {
    this.failures = 0;
  }

  failed(): void {
    this.failures += 1;
    if (this.failures >= FAILURES) this.openUntil = this.now() + this.openMs;
  }
}
