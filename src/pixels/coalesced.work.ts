interface Shared<T> {
  readonly result: Promise<T>;
  readonly stop: AbortController;
  waiting: number;
}

/** Runs equal work once for all callers that ask for it at the same time. The work stops when no caller waits for it any more. */
export class CoalescedWork<T> {
  readonly #running = new Map<string, Shared<T>>();

  /**
   * Returns the result of the work with this key, and starts `work` if it is not running. When `signal` aborts, the call rejects with the
   * reason of the signal.
   */
  async run(key: string, work: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    const shared = this.#running.get(key) ?? this.#start(key, work);
    shared.waiting += 1;
    const { promise: left, reject } = Promise.withResolvers<never>();
    const leave = () => reject(signal?.reason);
    signal?.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([shared.result, left]);
    } finally {
      signal?.removeEventListener('abort', leave);
      shared.waiting -= 1;
      if (shared.waiting === 0) this.#end(key, shared);
    }
  }

  #start(key: string, work: (signal: AbortSignal) => Promise<T>): Shared<T> {
    const stop = new AbortController();
    const shared = { result: work(stop.signal), stop, waiting: 0 };
    // Each caller gets the error. Without this line, an error after the last caller has left would end the process.
    shared.result.catch(() => undefined);
    this.#running.set(key, shared);
    return shared;
  }

  #end(key: string, shared: Shared<T>): void {
    if (this.#running.get(key) === shared) this.#running.delete(key);
    shared.stop.abort();
  }
}
