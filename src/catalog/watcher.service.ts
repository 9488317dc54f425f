import { setTimeout as sleep } from 'node:timers/promises';
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type BeforeApplicationShutdown,
} from '@nestjs/common';
import type postgres from 'postgres';
import { DATABASE, type Database, POSTGRES } from '../database/database.module.js';
import { archiveCursor } from '../database/schema.js';
import { type ArchiveCounts, type ArchiveLevel, OrthancApi } from '../orthanc/orthanc.api.js';
import type { OrthancId } from '../orthanc/orthanc.id.js';
import { NeighbourAway, Problem } from '../problems/errors.js';
import { Arrivals } from './arrivals.service.js';
import { Departures } from './departures.service.js';

const TICK_MS = 500;
const COMPARE_MS = 2_000;
const LEFTOVER_MS = 60_000;
const TRY_AGAIN_MS = 30_000;
const PAGE = 500;
const AT_ONCE = 4;
const WATCHER_LOCK = 7_263_412;
const LEVELS: readonly ArchiveLevel[] = ['studies', 'series', 'instances'];

/** Follows the archive (design.md, decision 12): its feed for arrivals, its totals for what the feed does not tell. */
@Injectable()
export class Watcher implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('watcher');
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  /** Its sender is still on the way: looked at with each tick. */
  private readonly later = new Set<OrthancId>();
  /** Could not be taken for a reason of its own, which must not hold up the others: looked at now and then. */
  private readonly failed = new Set<OrthancId>();
  /** Totals of archive and catalog at which a comparison found nothing more to do. */
  private settled = '';
  private comparedAt = 0;
  private triedAgainAt = 0;
  private away = false;

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(POSTGRES) private readonly sql: postgres.Sql,
    private readonly api: OrthancApi,
    private readonly arrivals: Arrivals,
    private readonly departures: Departures,
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
    await this.takeAll([...this.later]);
    if (Date.now() - this.comparedAt < COMPARE_MS) return;
    this.comparedAt = Date.now();
    if (Date.now() - this.triedAgainAt > TRY_AGAIN_MS) {
      this.triedAgainAt = Date.now();
      await this.takeAll([...this.failed]);
    }
    await this.compareTotals();
    // Last: what a cut-off STOW left in the archive is adopted by the reservation it left here.
    await this.departures.dropLeftovers(LEFTOVER_MS);
  }

  private async followFeed(): Promise<void> {
    const { DatabaseServerIdentifier: archive } = await this.api.system();
    const last = (await this.api.lastChange()).Last;
    const [stored] = await this.database.select().from(archiveCursor);
    let position = stored?.position ?? 0;
    if (stored === undefined || stored.archive !== archive || last < position) {
      this.logger.log('the archive is new to the catalog or was restored: comparing everything');
      await this.compareAll();
      position = last;
      await this.remember(archive, position);
    }
    while (position < last && !this.stopping.signal.aborted) {
      const page = await this.api.changes(position, PAGE);
      const arrived = page.Changes.filter((change) => change.ChangeType === 'NewInstance').map(
        (change) => change.ID,
      );
      await this.takeAll(await this.arrivals.unknownOf(arrived));
      if (page.Last <= position) break;
      position = page.Last;
      await this.remember(archive, position);
    }
  }

  private async remember(archive: string, position: number): Promise<void> {
    await this.database
      .insert(archiveCursor)
      .values({ archive, position })
      .onConflictDoUpdate({ target: archiveCursor.sole, set: { archive, position } });
  }

  private async takeAll(ids: readonly OrthancId[]): Promise<void> {
    for (let at = 0; at < ids.length && !this.stopping.signal.aborted; at += AT_ONCE) {
      await Promise.all(ids.slice(at, at + AT_ONCE).map((id) => this.takeOne(id)));
    }
  }

  private async takeOne(id: OrthancId): Promise<void> {
    try {
      const arrival = await this.arrivals.take(id);
      if (arrival === 'later') this.later.add(id);
      else this.later.delete(id);
      this.failed.delete(id);
    } catch (error) {
      if (error instanceof NeighbourAway) throw error;
      // Should Postgres be away, the feed's position cannot be noted either, and this instance comes again.
      if (!this.failed.has(id))
        this.logger.warn(`an instance of the archive cannot be read: ${nameOf(error)}`);
      this.later.delete(id);
      this.failed.add(id);
    }
  }

  private async compareTotals(): Promise<void> {
    const before = await this.totals();
    if (before.equal || before.text === this.settled) return;
    await this.compareAll();
    // What stays different was looked at and has its reason (a contradiction, a sender on its way): not looked at again until something changes.
    this.settled = this.later.size === 0 ? (await this.totals()).text : '';
  }

  /** From the top down, and no further than needed: a deleted study is found without listing every instance. */
  private async compareAll(): Promise<void> {
    for (const level of LEVELS) {
      const missing = await this.departures.compare(level);
      if (level === 'instances') await this.takeAll(missing);
      else if ((await this.totals()).equal) return;
    }
  }

  private async totals(): Promise<{ equal: boolean; text: string }> {
    const archive = await this.api.statistics();
    const catalog = await this.departures.counts();
    return { equal: textOf(archive) === textOf(catalog), text: `${textOf(archive)} ${textOf(catalog)}` };
  }

  private say(error: unknown): void {
    if (this.away) return;
    this.away = true;
    this.logger.warn(`following the archive is interrupted: ${nameOf(error)}`);
  }
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

function textOf(counts: ArchiveCounts): string {
  return `${counts.CountStudies}/${counts.CountSeries}/${counts.CountInstances}`;
}
