const FAILURES = 5;
const OPEN_MS = 2_000;

/** After five failures in a row calls fail at once for two seconds (or as long as is said); then one is let through to try. */
export class FhirBreaker {
  private failures = 0;
  private openUntil = 0;

  constructor(
    private readonly now: () => number = Date.now,
    private readonly openMs = OPEN_MS,
  ) {}

  /** Whether a call may go out now. While open, one call a pause is let through. */
  admits(): boolean {
    if (this.failures < FAILURES) return true;
    if (this.now() < this.openUntil) return false;
    this.openUntil = this.now() + this.openMs;
    return true;
  }

  /** Whether calls fail without being made. */
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
