import { setTimeout as sleep } from 'node:timers/promises';

/** The longest time in milliseconds for which a step waits for requests. Without a limit, a busy gateway would never run a step. */
const LONGEST_WAIT_MS = 2_000;
const LOOK_MS = 20;
/** A pause is at most this long, so that one slow step does not stop the work. */
const LONGEST_PAUSE_MS = 10_000;

/**
 * Runs the steps of background work one after the other. After each step, the work pauses, so that the steps take at most `percent` percent of
 * the time of one processor. Before each step, it waits while `isBusy` returns true, for at most two seconds.
 */
export class BackgroundPace {
  readonly #percent: number;
  readonly #isBusy: () => boolean;

  constructor(percent: number, isBusy: () => boolean) {
    this.#percent = percent;
    this.#isBusy = isBusy;
  }

  /** Runs one step and the pause after it. Rejects when `signal` aborts. */
  async step(work: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
    const from = performance.now();
    while (this.#isBusy() && performance.now() - from < LONGEST_WAIT_MS)
      await sleep(LOOK_MS, undefined, { signal });
    signal.throwIfAborted();
    const begun = performance.now();
    await work();
    const took = performance.now() - begun;
    await sleep(Math.min(took * (100 / this.#percent - 1), LONGEST_PAUSE_MS), undefined, { signal });
  }
}
