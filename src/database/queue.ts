import { Inject, Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { fromDrizzle, type Job, PgBoss, type Queue as QueueOptions } from 'pg-boss';
import { ENV } from '../config/config.module.js';
import type { Env } from '../config/env.js';
import type { Transaction } from './database.types.js';

/** The schema of pg-boss's tables. Only `migrate.ts` creates and migrates these tables. */
const SCHEMA = 'queue';
/** The dead letter queue. */
const DEAD = 'dead';
const POLL_SECONDS = 0.5;
const DEAD_POLL_SECONDS = 5;
const STOP_MS = 5_000;
/** If a job sends no heartbeat for this time, another worker gets the job. */
const HEARTBEAT_SECONDS = 10;

/** All job queues. A job contains only ids. The state of the work is in the gateway's own tables. */
const QUEUES = {
  'import-inspect': { retryLimit: 5, expireInSeconds: 3600 },
  'import-chunk': { retryLimit: 10, expireInSeconds: 3600 },
  'import-again': { retryLimit: 10, expireInSeconds: 3600 },
  'term-decided': { retryLimit: 10, expireInSeconds: 600 },
  'term-corrected': { retryLimit: 10, expireInSeconds: 3600 },
  'review-decided': { retryLimit: 10, expireInSeconds: 3600 },
  'import-undo': { retryLimit: 10, expireInSeconds: 3600 },
} as const satisfies Record<string, Omit<QueueOptions, 'name'>>;

export type QueueName = keyof typeof QUEUES;
export type JobData = Readonly<Record<string, string | number>>;
/**
 * The function that processes a job. `data` contains the ids. `signal` aborts if the process stops or if another worker has taken over the
 * job.
 */
export type Work = (data: unknown, signal: AbortSignal) => Promise<void>;

/**
 * Creates or migrates pg-boss's tables and queues, and returns the schema of the tables. The user in `ownerUrl` must be the owner of the
 * schema.
 */
export async function prepareQueues(ownerUrl: string): Promise<string> {
  const boss = new PgBoss({ connectionString: ownerUrl, schema: SCHEMA, ...MAINTENANCE_OFF, max: 1 });
  await boss.start();
  try {
    await boss.createQueue(DEAD, { notify: true });
    for (const [name, options] of Object.entries(QUEUES)) {
      const settings = {
        ...options,
        notify: true,
        deadLetter: DEAD,
        heartbeatSeconds: HEARTBEAT_SECONDS,
        retryDelay: 1,
        retryBackoff: true,
        retryDelayMax: 30,
        deleteAfterSeconds: 24 * 3600,
      };
      await boss.createQueue(name, settings);
      await boss.updateQueue(name, settings);
    }
  } finally {
    await boss.stop({ graceful: false });
  }
  return SCHEMA;
}

const MAINTENANCE_OFF = { supervise: false, schedule: false, reindex: false } as const;

/** The job queue (pg-boss). Only one worker at a time processes a job. If the worker crashes, another worker gets the job. */
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
    // The message of a driver error may quote a statement with its values. The name of the error does not.
    this.boss.on('error', (error) => this.logger.warn(`queue: ${error.name}`));
  }

  /** Adds jobs in a transaction. The jobs exist only if the transaction commits. Jobs with a higher priority run first. */
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

  /** Starts to process the jobs of a queue. This process runs at most `atOnce` jobs of the queue at the same time. */
  async work(name: QueueName, atOnce: number, work: Work): Promise<void> {
    await this.start();
    const options = {
      localConcurrency: atOnce,
      pollingIntervalSeconds: POLL_SECONDS,
      // By default, a worker that is busy during a notification polls again only after half a minute.
      notifyPollingIntervalSeconds: POLL_SECONDS,
      burstWhenReadyExceeds: 1,
    };
    await this.boss.work(name, options, async (jobs: Job<unknown>[]) => {
      for (const job of jobs) await work(job.data, AbortSignal.any([job.signal, this.stopping.signal]));
    });
  }

  /** Starts to process the jobs in the dead letter queue. These are jobs that failed too often. */
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

  /** Takes no further jobs and waits for the running jobs. The connections are closed after that. */
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
