import { setTimeout as sleep } from 'node:timers/promises';
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type BeforeApplicationShutdown,
} from '@nestjs/common';
import type postgres from 'postgres';
import { BACKGROUND_POSTGRES } from '../database/database.module.js';
import type { OrthancId } from '../orthanc/orthanc.id.js';
import { isTemporary } from '../problems/database.refusals.js';
import { NeighbourAway, Problem } from '../problems/errors.js';
import { Ingest } from './ingest.service.js';
import { DeferredInstances } from './deferred.instances.js';
import { DeletionSync, type ListedLevel } from './deletion.sync.service.js';
import { Feed } from './feed.service.js';
import { BatchIngest } from './batch.ingest.service.js';
import { Quarantine } from './quarantine.service.js';
import { Rebuilds } from './rebuilds.service.js';
import { Sweep } from './sweep.service.js';
import { type CountDifference, Totals } from './totals.service.js';
import { takeWatcherLock } from './watcher.lock.js';

const TICK_MS = 500;
const COMPARE_MS = 2_000;
/** Age at which an expired reservation is deleted. Orthanc needs less than this time to store the largest instance. */
const EXPIRED_MS = 40_000;
/** Interval at which quarantined instances are ingested again. A change in the catalog may have removed the reason for the quarantine. */
const RETRY_MS = 60_000;
const QUARANTINE_PAGE = 500;
const CONCURRENCY = 8;
const BATCH = 100;
const FOUND_BATCH = 100;
const LEVELS: readonly ListedLevel[] = ['studies', 'series'];
/** An urgent sweep runs for this time before the change feed is read again. */
const URGENT_SWEEP_MS = 1_000;
/** Running uploads can make the totals differ, but not for longer than this time. A longer difference has another cause. */
const UPLOADING_MS = 20_000;
/** If a whole sweep did not remove a difference, another sweep starts after this time. */
const RESWEEP_MS = 60_000;

/** Keeps the catalog equal to the archive. The change feed does not report deletions, so the watcher also compares the totals. */
@Injectable()
export class Watcher implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('watcher');
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  /** Whether a full comparison has run since this process took the lock. */
  private hasCompared = false;
  private comparedAt = 0;
  private uploadingSince: number | undefined;
  private sweptAt = 0;
  private unresolved: string | undefined;
  private retriedAt = 0;
  private isInterrupted = false;

  constructor(
    @Inject(BACKGROUND_POSTGRES) private readonly sql: postgres.Sql,
    private readonly ingest: Ingest,
    private readonly batchIngest: BatchIngest,
    private readonly deferred: DeferredInstances,
    private readonly deletionSync: DeletionSync,
    private readonly feed: Feed,
    private readonly sweep: Sweep,
    private readonly totals: Totals,
    private readonly quarantine: Quarantine,
    private readonly rebuilds: Rebuilds,
  ) {}

  onApplicationBootstrap(): void {
    this.running = this.watch();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async watch(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      try {
        await this.watchWithLock();
      } catch (error) {
        if (!this.stopping.signal.aborted) this.warnOnce(error);
      }
      await sleep(TICK_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }

  /** Runs a tick every 500 ms while this process has the lock. If the process crashes, PostgreSQL releases the lock. */
  private async watchWithLock(): Promise<void> {
    const connection = await this.sql.reserve();
    this.hasCompared = false;
    try {
      try {
        while (!this.stopping.signal.aborted && (await takeWatcherLock(connection))) {
          await this.tick();
          this.isInterrupted = false;
          await sleep(TICK_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
        }
      } finally {
        await connection`select pg_advisory_unlock_all()`.catch(() => undefined);
      }
    } finally {
      connection.release();
    }
  }

  private async tick(): Promise<void> {
    if (!this.hasCompared) await this.deferred.load();
    await this.followFeed();
    await this.ingestEach(this.deferred.list());
    await this.ingestEach(await this.quarantine.takeFreed());
    await this.sweepAtOnce();
    if (Date.now() - this.comparedAt < COMPARE_MS) return;
    this.comparedAt = Date.now();
    if (Date.now() - this.retriedAt > RETRY_MS) {
      this.retriedAt = Date.now();
      await this.retryQuarantined();
    }
    await this.compareTotals();
    if (!(await this.sweep.isUrgent())) await this.sweep.step(this.ingestFound);
    await this.rebuilds.runIfRequested(this.ingestFound, async () => {
      this.stopping.signal.throwIfAborted();
      await this.followFeed();
    });
    // This step comes last, because an interrupted upload is ingested for the account in its expired reservation.
    await this.deletionSync.deleteExpiredReservations(EXPIRED_MS);
  }

  private async followFeed(): Promise<void> {
    const isAnother = await this.feed.follow(
      (ids) => this.ingestAll(ids),
      () => this.stopping.signal.aborted,
    );
    if (isAnother) this.hasCompared = false;
  }

  /** Ingests these instances. Throws if the gateway stops before the end, so that no saved position moves past the other instances. */
  private async ingestAll(ids: readonly OrthancId[]): Promise<void> {
    for (let at = 0; at < ids.length; at += BATCH) {
      this.stopping.signal.throwIfAborted();
      await this.ingestEach(await this.batchIngest.ingest(ids.slice(at, at + BATCH)));
    }
  }

  private async ingestEach(ids: readonly OrthancId[]): Promise<void> {
    const left = ids.values();
    const ingestOnes = async () => {
      for (const id of left) {
        this.stopping.signal.throwIfAborted();
        await this.ingestOne(id);
      }
    };
    const all = await Promise.allSettled(Array.from({ length: CONCURRENCY }, ingestOnes));
    const failed = all.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    await this.deferred.save();
  }

  /** Ingests instances that a sweep or rebuild has found. Reads the feed after each batch, so that new instances do not wait. */
  private readonly ingestFound = async (ids: readonly OrthancId[]): Promise<void> => {
    for (let at = 0; at < ids.length; at += FOUND_BATCH) {
      await this.ingestAll(ids.slice(at, at + FOUND_BATCH));
      await this.followFeed();
    }
  };

  /** Ingests quarantined instances again, because the reason for the quarantine may no longer exist. */
  private async retryQuarantined(): Promise<void> {
    let page: readonly OrthancId[] = [];
    do {
      page = await this.quarantine.page(page.at(-1) ?? '', QUARANTINE_PAGE);
      await this.ingestEach(page);
    } while (page.length === QUARANTINE_PAGE);
  }

  private async ingestOne(id: OrthancId): Promise<void> {
    try {
      this.deferred.set(id, (await this.ingest.ingest(id)) === 'deferred');
    } catch (error) {
      if (error instanceof NeighbourAway) throw error;
      const isDeferred = isTemporary(error);
      this.deferred.set(id, isDeferred);
      // If PostgreSQL is unreachable, the next statement fails too. The feed's position is then not saved, and the instance is read again.
      if (!isDeferred) await this.ingest.addToQuarantine(id, 'unreadable');
      this.logger.debug(`an instance of the archive cannot be read: ${nameOf(error)}`);
    }
  }

  /** Continues an urgent sweep for at most one second. When the sweep ends, ingests quarantined instances again. */
  private async sweepAtOnce(): Promise<void> {
    const until = Date.now() + URGENT_SWEEP_MS;
    while (Date.now() < until && !this.stopping.signal.aborted && (await this.sweep.isUrgent())) {
      if (!(await this.sweep.step(this.ingestFound))) continue;
      await this.retryQuarantined();
      this.sweptAt = Date.now();
      this.unresolved = (await this.totals.difference(this.deferred.list()))?.fingerprint;
    }
  }

  /** Compares the totals. If they differ, compares the studies, then the series. If they still differ, starts an urgent sweep. */
  private async compareTotals(): Promise<void> {
    const before = await this.difference();
    if (this.hasCompared && (before === undefined || this.isUnresolved(before))) return;
    for (const level of LEVELS) {
      await this.deletionSync.compare(level);
      if (this.hasCompared && (await this.difference()) === undefined) break;
    }
    this.hasCompared = true;
    await this.retryQuarantined();
    const left = await this.difference();
    if (left === undefined || isExplainedByUploads(left) || this.isUnresolved(left)) return;
    await this.sweep.makeUrgent();
    await this.sweepAtOnce();
  }

  /** Returns the difference between the totals. Ignores a difference for 20 seconds if running uploads can explain it. */
  private async difference(): Promise<CountDifference | undefined> {
    const difference = await this.totals.difference(this.deferred.list());
    if (difference === undefined || !isExplainedByUploads(difference)) {
      this.uploadingSince = undefined;
      return difference;
    }
    this.uploadingSince ??= Date.now();
    return Date.now() - this.uploadingSince < UPLOADING_MS ? undefined : difference;
  }

  /** Whether this difference is the same as after the last whole sweep, and that sweep ended less than a minute ago. */
  private isUnresolved({ fingerprint: seen }: CountDifference): boolean {
    return seen === this.unresolved && Date.now() - this.sweptAt < RESWEEP_MS;
  }

  private warnOnce(error: unknown): void {
    if (this.isInterrupted) return;
    this.isInterrupted = true;
    this.logger.warn(`following the archive is interrupted: ${nameOf(error)}`);
  }
}

function isExplainedByUploads({ count: by, uploads: storing }: CountDifference): boolean {
  return by > 0 && by <= storing;
}

/** Returns the text of an error that is safe to log. The gateway's own messages contain no patient data, but messages of drivers may. */
function nameOf(error: unknown): string {
  if (error instanceof Problem) return error.message;
  return error instanceof Error ? error.name : 'unknown';
}
