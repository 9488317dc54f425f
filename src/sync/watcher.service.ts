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
import { NeighbourAway, Problem } from '../problems/errors.js';
import { Ingest } from './ingest.service.js';
import { DeletionSync, type ListedLevel } from './deletion.sync.service.js';
import { Feed } from './feed.service.js';
import { BatchIngest } from './batch.ingest.service.js';
import { Quarantine } from './quarantine.service.js';
import { Rebuilds } from './rebuilds.service.js';
import { Sweep } from './sweep.service.js';
import { type Difference, Totals } from './totals.service.js';

const TICK_MS = 500;
const COMPARE_MS = 2_000;
/** With a reservation's own life this is less than a minute, and more than the archive takes for its largest instance. */
const LEFTOVER_MS = 40_000;
/** A contradiction may go away by other ways than the archive's. */
const TRY_AGAIN_MS = 60_000;
const PAGE = 500;
const AT_ONCE = 8;
const TOGETHER = 100;
const ADOPTED = 100;
const WATCHER_LOCK = 7_263_412;
const LEVELS: readonly ListedLevel[] = ['studies', 'series'];
/** So long the walk through everything goes on at a time before the feed is looked at again. */
const HURRY_MS = 1_000;
/** While others store, totals may differ; a difference that lasts longer is not theirs alone. */
const STORING_MS = 20_000;
/** What a whole walk did not bring into agreement is walked through again after so long. */
const REST_MS = 60_000;

/** Follows the archive (design.md, decision 12): its feed for arrivals, its totals for what the feed does not tell. */
@Injectable()
export class Watcher implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('watcher');
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  /** Its sender is still on the way: looked at with each tick. */
  private readonly later = new Set<OrthancId>();
  /** Whether this process has compared everything since it watches this archive. */
  private compared = false;
  private comparedAt = 0;
  private storingSince: number | undefined;
  private walkedAt = 0;
  private unsolved: string | undefined;
  private triedAgainAt = 0;
  private away = false;

  constructor(
    @Inject(BACKGROUND_POSTGRES) private readonly sql: postgres.Sql,
    private readonly arrivals: Ingest,
    private readonly newcomers: BatchIngest,
    private readonly departures: DeletionSync,
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
        await this.watchAsTheOnlyOne();
      } catch (error) {
        this.say(error);
      }
      await sleep(TICK_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }

  /** The lock lives as long as its connection: a process that dies leaves it to another. */
  private async watchAsTheOnlyOne(): Promise<void> {
    const connection = await this.sql.reserve();
    this.compared = false;
    try {
      try {
        while (!this.stopping.signal.aborted && (await holdsLock(connection))) {
          await this.tick();
          this.away = false;
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
    await this.followFeed();
    await this.takeEach([...this.later]);
    await this.hurry();
    if (Date.now() - this.comparedAt < COMPARE_MS) return;
    this.comparedAt = Date.now();
    if (Date.now() - this.triedAgainAt > TRY_AGAIN_MS) {
      this.triedAgainAt = Date.now();
      await this.takeQuarantined();
    }
    await this.compareTotals();
    if (!(await this.sweep.isHurried())) await this.sweep.step(this.takeAdopted);
    await this.rebuilds.runIfAsked(this.takeAdopted, async () => {
      this.stopping.signal.throwIfAborted();
      await this.followFeed();
    });
    // Last: what a cut-off STOW left in the archive is adopted by the reservation it left here.
    await this.departures.dropLeftovers(LEFTOVER_MS);
  }

  private async followFeed(): Promise<void> {
    const isAnother = await this.feed.follow(
      (ids) => this.takeAll(ids),
      () => this.stopping.signal.aborted,
    );
    if (isAnother) this.compared = false;
  }

  private async takeAll(ids: readonly OrthancId[]): Promise<void> {
    for (let at = 0; at < ids.length && !this.stopping.signal.aborted; at += TOGETHER)
      await this.takeEach(await this.newcomers.take(ids.slice(at, at + TOGETHER)));
  }

  private async takeEach(ids: readonly OrthancId[]): Promise<void> {
    const left = ids.values();
    const takeOnes = async () => {
      for (const id of left) {
        if (this.stopping.signal.aborted) return;
        await this.takeOne(id);
      }
    };
    const all = await Promise.allSettled(Array.from({ length: AT_ONCE }, takeOnes));
    const failed = all.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** What is found by walking may be very much: who comes by the feed meanwhile does not wait for it. */
  private readonly takeAdopted = async (ids: readonly OrthancId[]): Promise<void> => {
    for (let at = 0; at < ids.length && !this.stopping.signal.aborted; at += ADOPTED) {
      await this.takeAll(ids.slice(at, at + ADOPTED));
      await this.followFeed();
    }
  };

  /** Once more what waits: its reason may have gone away. */
  private async takeQuarantined(): Promise<void> {
    let page: readonly OrthancId[] = [];
    do {
      page = await this.quarantine.page(page.at(-1) ?? '', PAGE);
      await this.takeEach(page);
    } while (page.length === PAGE && !this.stopping.signal.aborted);
  }

  private async takeOne(id: OrthancId): Promise<void> {
    try {
      put(this.later, id, (await this.arrivals.take(id)) === 'later');
    } catch (error) {
      if (error instanceof NeighbourAway) throw error;
      this.later.delete(id);
      // Should Postgres be away, this fails too, and the feed's position is not noted: the instance comes again.
      await this.arrivals.putAside(id, 'unreadable');
      this.logger.debug(`an instance of the archive cannot be read: ${nameOf(error)}`);
    }
  }

  /** Goes on with a walk that hurries. What went may have been in the way of what waits in quarantine. */
  private async hurry(): Promise<void> {
    const until = Date.now() + HURRY_MS;
    while (Date.now() < until && !this.stopping.signal.aborted && (await this.sweep.isHurried())) {
      if (!(await this.sweep.step(this.takeAdopted))) continue;
      await this.takeQuarantined();
      this.walkedAt = Date.now();
      this.unsolved = (await this.totals.difference(this.later.size))?.seen;
    }
  }

  /** From the top down, and no further than needed: a deleted study is found without looking at every instance. */
  private async compareTotals(): Promise<void> {
    const before = await this.difference();
    if (this.compared && (before === undefined || this.isUnsolved(before))) return;
    for (const level of LEVELS) {
      await this.departures.compare(level);
      if (this.compared && (await this.difference()) === undefined) break;
    }
    this.compared = true;
    await this.takeQuarantined();
    const left = await this.difference();
    if (left === undefined || isOnTheWay(left) || this.isUnsolved(left)) return;
    await this.sweep.hurry();
    await this.hurry();
  }

  /** What others are storing now makes the totals differ: only what lasts is looked at. */
  private async difference(): Promise<Difference | undefined> {
    const difference = await this.totals.difference(this.later.size);
    if (difference === undefined || !isOnTheWay(difference)) {
      this.storingSince = undefined;
      return difference;
    }
    this.storingSince ??= Date.now();
    return Date.now() - this.storingSince < STORING_MS ? undefined : difference;
  }

  /** A whole walk left it as it is. */
  private isUnsolved({ seen }: Difference): boolean {
    return seen === this.unsolved && Date.now() - this.walkedAt < REST_MS;
  }

  private say(error: unknown): void {
    if (this.away) return;
    this.away = true;
    this.logger.warn(`following the archive is interrupted: ${nameOf(error)}`);
  }
}

/** As many as senders are on the way with, or fewer, are in the archive and not yet in the catalog. */
function isOnTheWay({ by, storing }: Difference): boolean {
  return by > 0 && by <= storing;
}

function put(set: Set<OrthancId>, id: OrthancId, wanted: boolean): void {
  if (wanted) set.add(id);
  else set.delete(id);
}

/** Asked with each tick: a connection that was lost and made again has lost the lock. */
async function holdsLock(connection: postgres.ReservedSql): Promise<boolean> {
  const [lock] = await connection<{ held: boolean }[]>`select pg_try_advisory_lock(${WATCHER_LOCK}) as held`;
  return lock?.held === true;
}

/** What may be logged of an error: messages of our own hold no patient data, those of drivers may. */
function nameOf(error: unknown): string {
  if (error instanceof Problem) return error.message;
  return error instanceof Error ? error.name : 'unknown';
}
