import { setTimeout as sleep } from 'node:timers/promises';
import type { Running } from './launch.ts';

const firstPauseMs = 250;
const longestPauseMs = 30_000;

type Start<T extends Running> = () => Promise<T>;

/**
 * Keeps processes running. If a process ends, logs this and starts the process again. The pause before a restart grows with each failure.
 */
export class Supervisor {
  private readonly running = new Map<string, Running>();
  private ending = false;
  private readonly log: (line: string) => void;
  private readonly changed: (pids: Record<string, number>) => void;

  /** `changed` is called with all pids whenever a process has started. */
  constructor(log: (line: string) => void, changed: (pids: Record<string, number>) => void) {
    this.log = log;
    this.changed = changed;
  }

  /** Whether stop() was called. */
  get stopping(): boolean {
    return this.ending;
  }

  /** Starts a process, and restarts it whenever it ends. Throws if the first start fails. */
  async keep<T extends Running>(name: string, start: Start<T>): Promise<T> {
    const running = await start();
    this.enter(name, running);
    void this.watch(name, running, start);
    return running;
  }

  /** Returns the pid of a process, or `undefined` if it was not started. */
  find(name: string): number | undefined {
    return this.running.get(name)?.pid;
  }

  pid(name: string): number {
    const pid = this.find(name);
    if (pid === undefined) throw new Error(`${name} was never started`);
    return pid;
  }

  /** Stops the named processes at the same time. No process is restarted after this call. */
  async stop(names: readonly string[]): Promise<void> {
    this.ending = true;
    await Promise.all(names.map(async (name) => await this.running.get(name)?.stop()));
  }

  private enter(name: string, running: Running): void {
    this.running.set(name, running);
    this.changed(Object.fromEntries([...this.running].map(([name, { pid }]) => [name, pid])));
  }

  private async watch(name: string, first: Running, start: Start<Running>): Promise<void> {
    let running: Running | undefined = first;
    let pause = firstPauseMs;
    while (running) {
      const began = Date.now();
      const reason = await running.exited;
      if (this.ending) return;
      if (Date.now() - began > longestPauseMs) pause = firstPauseMs;
      this.log(`${name} ended (${reason}): starting it again (its log: ${running.log})`);
      running = await this.again(name, start, pause);
      pause = Math.min(pause * 2, longestPauseMs);
    }
  }

  private async again(name: string, start: Start<Running>, pause: number): Promise<Running | undefined> {
    await sleep(pause);
    if (this.ending) return undefined;
    try {
      const running = await start();
      this.enter(name, running);
      // If stop() was called during this start, it has not stopped the new process.
      if (this.stopping) await running.stop();
      else this.log(`${name} is running again (pid ${running.pid})`);
      return running;
    } catch (error) {
      this.log(`${name} does not start: ${error instanceof Error ? error.message : String(error)}`);
      return await this.again(name, start, Math.min(pause * 2, longestPauseMs));
    }
  }
}
