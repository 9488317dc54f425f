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

/**
 * A task on a busy machine may last this many times longer than its processor time. The limit also ends a worker that waits and uses no
 * processor time.
 */
const LONGEST_WAIT = 4;

/** What a task needs besides its content. `milliseconds`: the limit of the processor time that the task uses. */
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
      isRunning = false;
      clearTimeout(longest);
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
    let isRunning = true;
    const late = () => lose(new WorkerLost('time'));
    const longest = setTimeout(late, LONGEST_WAIT * job.milliseconds);
    const before = processorTime(worker);
    const compare = async () => {
      const left = job.milliseconds + (await before) - (await processorTime(worker));
      if (!isRunning) return;
      if (left <= 0) late();
      else timer = setTimeout(() => void compare(), left);
    };
    let timer = setTimeout(() => void compare(), job.milliseconds);
    worker.on('message', answered);
    worker.on('messageerror', failed);
    worker.on('error', failed);
    worker.on('exit', failed);
    worker.postMessage(job.task, [...job.moved]);
  }
}

/** The processor time in milliseconds that a worker has used. 0 if it does not run yet, or not any more. */
async function processorTime(worker: Worker): Promise<number> {
  const { user, system } = await worker.cpuUsage().catch(() => ({ user: 0, system: 0 }));
  return (user + system) / 1000;
}
