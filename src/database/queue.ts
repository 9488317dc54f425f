import { Inject, Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { fromDrizzle, type Job, PgBoss, type Queue as QueueOptions } from 'pg-boss';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';
import type { Transaction } from './database.module.js';

/** The schema pg-boss keeps its tables in; made and brought forward by `migrate.ts` alone. */
const SCHEMA = 'queue';
const DEAD = 'dead';
const POLL_SECONDS = 0.5;
const DEAD_POLL_SECONDS = 5;
const STOP_MS = 5_000;
/** A job whose worker was killed is taken up again after this long without a heartbeat. */
const HEARTBEAT_SECONDS = 10;

/** Every queue there is. A job carries ids only; what becomes of it stands in our own tables. */
const QUEUES = {
  'import-inspect': { retryLimit: 5, expireInSeconds: 3600 },
  'import-chunk': { retryLimit: 10, expireInSeconds: 3600 },
  'import-again': { retryLimit: 10, expireInSeconds: 3600 },
  'term-decided': { retryLimit: 10, expireInSeconds: 600 },
  'import-undo': { retryLimit: 10, expireInSeconds: 3600 },
} as const satisfies Record<string, Omit<QueueOptions, 'name'>>;

export type QueueName = keyof typeof QUEUES;
export type JobData = Readonly<Record<string, string | number>>;
/** What a job is handed: its ids, and a signal that ends when the process stops or the job was given to another. */
export type Work = (data: unknown, signal: AbortSignal) => Promise<void>;

/** Makes pg-boss's tables and queues, or brings them forward. Run by the owner of the schema. */
export async function prepareQueues(ownerUrl: string): Promise<string> {
  const boss = new PgBoss({ connectionString: ownerUrl, schema: SCHEMA, ...PASSIVE, max: 1 });
  await boss.start();
  try {
    await boss.createQueue(DEAD, { notify: true });
    for (const [name, options] of Object.entries(QUEUES)) {
      const whole = {
        ...options,
        notify: true,
        deadLetter: DEAD,
        heartbeatSeconds: HEARTBEAT_SECONDS,
        retryDelay: 1,
        retryBackoff: true,
        retryDelayMax: 30,
        deleteAfterSeconds: 24 * 3600,
      };
      await boss.createQueue(name, whole);
      await boss.updateQueue(name, whole);
    }
  } finally {
    await boss.stop({ graceful: false });
  }
  return SCHEMA;
}

const PASSIVE = { supervise: false, schedule: false, reindex: false } as const;

/** The queue of jobs (pg-boss). A job is taken by one worker at a time, and again when its worker is gone. */
@Injectable()
export class Queue implements BeforeApplicationShutdown {
  private readonly logger = new Logger('queue');
  private readonly boss: PgBoss;
  private readonly stopping = new AbortController();
  private started: Promise<unknown> | undefined;

  constructor(@Inject(ENV) env: Pick<Env, 'DATABASE_URL'>) {
    this.boss = new PgBoss({
      connectionString: env.DATABASE_URL,
      schema: SCHEMA,
      migrate: false,
      createSchema: false,
      schedule: false,
      reindex: false,
      monitorVacuum: false,
      useListenNotify: true,
      superviseIntervalSeconds: 5,
      monitorIntervalSeconds: 5,
      max: 6,
      application_name: 'radgate queue',
    });
    // Messages of the driver may quote a statement; names and codes do not.
    this.boss.on('error', (error) => this.logger.warn(`queue: ${error.name}`));
  }

  /** Adds jobs as part of a transaction: they exist when it commits, and not otherwise. A higher priority goes first. */
  async add(
    name: QueueName,
    jobs: readonly JobData[],
    transaction: Transaction,
    { afterSeconds = 0, priority = 0 }: { afterSeconds?: number; priority?: number } = {},
  ): Promise<void> {
    if (jobs.length === 0) return;
    await this.start();
    const startAfter = afterSeconds > 0 ? { startAfter: afterSeconds } : {};
    await this.boss.insert(
      name,
      jobs.map((data) => ({ data, priority, ...startAfter })),
      { db: fromDrizzle(transaction, sql) },
    );
  }

  /** Takes jobs of a queue from now on, so many at a time in this process. */
  async work(name: QueueName, atOnce: number, work: Work): Promise<void> {
    await this.start();
    const options = {
      localConcurrency: atOnce,
      pollingIntervalSeconds: POLL_SECONDS,
      // A worker that is busy when it is notified would otherwise rest for half a minute afterwards.
      notifyPollingIntervalSeconds: POLL_SECONDS,
      burstWhenReadyExceeds: 1,
    };
    await this.boss.work(name, options, async (jobs: Job<unknown>[]) => {
      for (const job of jobs) await work(job.data, AbortSignal.any([job.signal, this.stopping.signal]));
    });
  }

  /** Hands over the jobs that failed too often. */
  async workDead(work: Work): Promise<void> {
    await this.start();
    const options = {
      pollingIntervalSeconds: DEAD_POLL_SECONDS,
      notifyPollingIntervalSeconds: DEAD_POLL_SECONDS,
    };
    await this.boss.work(DEAD, options, async (jobs: { data: unknown; signal: AbortSignal }[]) => {
      for (const job of jobs) await work(job.data, AbortSignal.any([job.signal, this.stopping.signal]));
    });
  }

  /** Takes no more jobs and lets those under way end, before their connections are closed. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    if (this.started === undefined) return;
    await this.boss.stop({ graceful: true, timeout: STOP_MS });
  }

  private start(): Promise<unknown> {
    this.started ??= this.boss.start();
    return this.started;
  }
}
