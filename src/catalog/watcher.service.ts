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
import { archiveCursor } from '../database/schema.catalog.js';
import { type ArchiveLevel, OrthancApi } from '../orthanc/orthanc.api.js';
import type { OrthancId } from '../orthanc/orthanc.id.js';
import { NeighbourAway, Problem } from '../problems/errors.js';
import { Arrivals } from './arrivals.service.js';
import { Departures } from './departures.service.js';
import { Quarantine } from './quarantine.service.js';
import { Rebuilds } from './rebuilds.service.js';

const TICK_MS = 500;
const COMPARE_MS = 2_000;
/** With a reservation's own life this is less than a minute, and more than the archive takes for its largest instance. */
const LEFTOVER_MS = 40_000;
/** A contradiction may go away by other ways than the archive's. */
const TRY_AGAIN_MS = 60_000;
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
  /** Whether this process has compared everything since it watches this archive. */
  private compared = false;
  private comparedAt = 0;
  private triedAgainAt = 0;
  private away = false;

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(POSTGRES) private readonly sql: postgres.Sql,
    private readonly api: OrthancApi,
    private readonly arrivals: Arrivals,
    private readonly departures: Departures,
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
    await this.takeAll([...this.later]);
    if (Date.now() - this.comparedAt < COMPARE_MS) return;
    this.comparedAt = Date.now();
    if (Date.now() - this.triedAgainAt > TRY_AGAIN_MS) {
      this.triedAgainAt = Date.now();
      await this.takeQuarantined();
    }
    await this.compareTotals();
    await this.rebuilds.runIfAsked(
      (ids) => this.takeAll(ids),
      async () => {
        this.stopping.signal.throwIfAborted();
        await this.followFeed();
      },
    );
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
      this.compared = false;
      await this.compareTotals();
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

  /** Once more what waits: its reason may have gone away. */
  private async takeQuarantined(): Promise<void> {
    let page: readonly OrthancId[] = [];
    do {
      page = await this.quarantine.page(page.at(-1) ?? '', PAGE);
      await this.takeAll(page);
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

  /** From the top down, and no further than needed: a deleted study is found without listing every instance. */
  private async compareTotals(): Promise<void> {
    if (this.compared && (await this.agrees())) return;
    for (const level of LEVELS) {
      await this.compare(level);
      if (this.compared && (await this.agrees())) break;
    }
    this.compared = true;
    // What went may have been in the way of these.
    await this.takeQuarantined();
  }

  private async compare(level: ArchiveLevel): Promise<void> {
    const missing = await this.departures.compare(level);
    if (level !== 'instances') return;
    await this.takeAll(await this.arrivals.unknownOf(missing));
  }

  /** Whether the archive holds as many instances as the catalog, and those that are rightly in the archive alone. */
  private async agrees(): Promise<boolean> {
    const archive = await this.api.statistics();
    const catalog = await this.departures.counts();
    const aside = (await this.quarantine.count()) + this.later.size;
    return archive.CountInstances - catalog.CountInstances === aside;
  }

  private say(error: unknown): void {
    if (this.away) return;
    this.away = true;
    this.logger.warn(`following the archive is interrupted: ${nameOf(error)}`);
  }
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
