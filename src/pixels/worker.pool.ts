import { Worker } from 'node:worker_threads';

/** A worker ended without an answer: it took too long, it failed, or the pool was closed. */
export class WorkerLost extends Error {
  override readonly name = 'WorkerLost';
  readonly reason: 'time' | 'failure' | 'closed';

  constructor(reason: 'time' | 'failure' | 'closed', options?: ErrorOptions) {
    super(`a worker was lost: ${reason}`, options);
    this.reason = reason;
  }
}

/** What a task needs besides its content. `milliseconds`: the longest time, from the start of the task. */
export interface TaskNeeds {
  readonly milliseconds: number;
  /** Buffers that move to the worker without a copy. */
  readonly moved: readonly ArrayBuffer[];
}

interface Job<Task, Answer> extends TaskNeeds {
  readonly task: Task;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: WorkerLost) => void;
}

/**
 * A pool of worker threads. Each worker runs one task at a time. Workers start when they are first needed. A worker that fails or takes too
 * long is replaced, because its memory can be damaged. A worker gets no environment variables, so that it has no secrets.
 */
export class WorkerPool<Task, Answer> {
  readonly #program: URL;
  readonly #most: number;
  readonly #idle: Worker[] = [];
  readonly #all = new Set<Worker>();
  readonly #waiting: Job<Task, Answer>[] = [];
  #closed = false;

  /** `program`: the script of a worker. It posts one message for each task. `most`: the largest number of workers. */
  constructor(program: URL, most: number) {
    this.#program = program;
    this.#most = most;
  }

  /** Runs a task. Throws `WorkerLost` when the worker fails, takes too long, or ends because the pool is closed. */
  run(task: Task, needs: TaskNeeds): Promise<Answer> {
    if (this.#closed) return Promise.reject(new WorkerLost('closed'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...needs, task, resolve, reject });
      this.#next();
    });
  }

  /** Ends all workers. Tasks that have not finished throw `WorkerLost`. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#waiting.splice(0)) job.reject(new WorkerLost('closed'));
    await Promise.all([...this.#all].map((worker) => worker.terminate()));
  }

  #next(): void {
    if (this.#closed || (this.#idle.length === 0 && this.#all.size >= this.#most)) return;
    const job = this.#waiting.shift();
    if (job !== undefined) this.#start(job, this.#idle.pop() ?? this.#spawn());
  }

  #spawn(): Worker {
    const worker = new Worker(this.#program, { env: {}, execArgv: [] });
    this.#all.add(worker);
    worker.unref();
    // A worker can also end between two tasks.
    worker.on('error', () => this.#drop(worker));
    worker.on('exit', () => this.#drop(worker));
    return worker;
  }

  #drop(worker: Worker): void {
    this.#all.delete(worker);
    const at = this.#idle.indexOf(worker);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  #start(job: Job<Task, Answer>, worker: Worker): void {
    const settle = () => {
      clearTimeout(timer);
      worker.off('message', answered);
      worker.off('messageerror', failed);
      worker.off('error', failed);
      worker.off('exit', failed);
    };
    const lose = (error: WorkerLost) => {
      settle();
      this.#drop(worker);
      void worker.terminate();
      job.reject(error);
      this.#next();
    };
    const failed = (cause: unknown) => lose(new WorkerLost(this.#closed ? 'closed' : 'failure', { cause }));
    const answered = (answer: Answer) => {
      settle();
      this.#idle.push(worker);
      job.resolve(answer);
      this.#next();
    };
    const timer = setTimeout(() => lose(new WorkerLost('time')), job.milliseconds);
    worker.on('message', answered);
    worker.on('messageerror', failed);
    worker.on('error', failed);
    worker.on('exit', failed);
    worker.postMessage(job.task, [...job.moved]);
  }
}
