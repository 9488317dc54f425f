import { QuietQueue } from './quiet.queue.js';

/** A study to make bodies of. `series`: the series that a client has asked for. `isAsked`: a client waits for the study. */
export interface QueuedStudy {
  readonly study: string;
  readonly series: string | undefined;
  readonly isAsked: boolean;
}

/** Largest number of studies that clients have asked for. */
const MAX_ASKED = 50;
/** A study is looked at again after this time in milliseconds, however often clients ask for it. */
const AGAIN_MS = 60_000;
const MAX_RECENT = 2_000;

/**
 * The studies whose bodies are made in advance: those that clients have asked for, the latest first, and then those that have changed (see
 * {@link QuietQueue}). Times are milliseconds of any one clock.
 */
export class StudyQueue {
  readonly #changed: QuietQueue;
  /** In the order of the requests, the earliest first. */
  readonly #asked = new Map<string, QueuedStudy>();
  readonly #recent = new Map<string, number>();

  constructor(quietMs: number, limit: number) {
    this.#changed = new QuietQueue(quietMs, limit);
  }

  /** Whether a study waits that a client has asked for. */
  get isAsked(): boolean {
    return this.#asked.size > 0;
  }

  /** Adds a study whose instances have changed. */
  noteChange(study: string, now: number): void {
    this.#recent.delete(study);
    this.#changed.note(study, now);
  }

  /** Adds a study that a client has asked for. Does nothing if the client, or another one, has asked for it in the last minute. */
  noteAsked(study: string, series: string | undefined, now: number): void {
    if (now - (this.#recent.get(study) ?? -Infinity) < AGAIN_MS) return;
    if (this.#recent.size >= MAX_RECENT) this.#recent.clear();
    this.#recent.set(study, now);
    this.#asked.delete(study);
    this.#asked.set(study, { study, series, isAsked: true });
    const [earliest] = this.#asked.keys();
    if (this.#asked.size > MAX_ASKED && earliest !== undefined) this.#asked.delete(earliest);
  }

  /** Whether the study has changed since it was last taken. */
  hasChanged(study: string): boolean {
    return this.#changed.has(study);
  }

  /** Removes and returns the next study. */
  take(now: number): QueuedStudy | undefined {
    const asked = [...this.#asked.values()].at(-1);
    if (asked !== undefined) {
      this.#asked.delete(asked.study);
      this.#changed.drop(asked.study);
      return asked;
    }
    const study = this.#changed.take(now);
    return study === undefined ? undefined : { study, series: undefined, isAsked: false };
  }
}
