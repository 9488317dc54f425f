import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type BeforeApplicationShutdown,
} from '@nestjs/common';
import postgres from 'postgres';
import { BACKGROUND_POSTGRES } from '../database/database.module.js';
import { LATE_SECONDS } from './seal.chain.js';
import { sealBatch } from './seal.batch.js';
import {
  type ArrivalCursor,
  arrivalsFromNow,
  type AuditKey,
  findArrivals,
  findInHistory,
  type Found,
  NEWEST,
} from './unsealed.rows.js';

const EVERY_MS = 1_000;
const ARRIVALS_AT_ONCE = 1_000;
const HISTORY_AT_ONCE = 5_000;
/** How long the walk through the history may work in each second. */
const WALK_MS = 300;
/** After a walk, a rest of at least this, and of twenty times as long as the walk took. */
const REST_MS = 60_000;
const RESTS = 20;
const NOTE_MS = 60 * 60 * 1000;
const COMPLAIN_MS = 60_000;
const NOTHING = { rows: 0, seconds: 0, foundAt: 0 };

/** How sealing goes, as far as this gateway has looked. */
export interface SealingState {
  /** Age in seconds of the oldest row that was found and could not be sealed; 0 when there is none. */
  readonly unsealedSeconds: number;
  /** How many such rows were found; more may wait. */
  readonly unsealedRows: number;
  /** Rows that this process sealed later than a minute after they were written. */
  readonly sealedLate: number;
  /** Whether rows, or the search for them, have waited for longer than a minute. */
  readonly isStalled: boolean;
}

/**
 * Gives every row of the audit its seal in a chain of hashes (docs/decisions/0012). A row is sealed because it has no seal, never because of
 * its place in some order: transaction ids start again in a new cluster, and transactions commit out of order. Rows that become
 * visible are found at once; a walk through the history, newest first, finds what is left of earlier times and other clusters.
 */
@Injectable()
export class Sealer implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('audit');
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private arrivals: ArrivalCursor | undefined;
  /** Where the walk stands; undefined while it rests. */
  private walk: AuditKey | undefined;
  private walkBeganAt = 0;
  private restUntil = 0;
  private waiting = NOTHING;
  private sealedLate = 0;
  private wellAt = Date.now();
  private notedAt = 0;
  private complainedAt = 0;

  constructor(@Inject(BACKGROUND_POSTGRES) private readonly sql: postgres.Sql) {}

  onApplicationBootstrap(): void {
    this.wellAt = Date.now();
    this.timer = setInterval(() => {
      this.running ??= this.run(true).finally(() => {
        this.running = undefined;
      });
    }, EVERY_MS);
  }

  /** Seals once more, so that a restart leaves no row to be sealed late. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
    await this.run(false);
  }

  get state(): SealingState {
    const { rows, seconds, foundAt } = this.waiting;
    const unsealedSeconds = rows === 0 ? 0 : seconds + (Date.now() - foundAt) / 1000;
    const isStalled = unsealedSeconds > LATE_SECONDS || Date.now() - this.wellAt > LATE_SECONDS * 1000;
    return { unsealedSeconds, unsealedRows: rows, sealedLate: this.sealedLate, isStalled };
  }

  private async run(walks: boolean): Promise<void> {
    try {
      if ((await this.sealArrivals()) && (!walks || (await this.sealHistory()))) {
        this.waiting = NOTHING;
        this.wellAt = Date.now();
      }
    } catch (error) {
      this.complain(error);
    }
  }

  /** Returns false when rows are left to another gateway that is sealing. */
  private async sealArrivals(): Promise<boolean> {
    const next = await this.look(() => arrivalsFromNow(this.sql));
    if (this.arrivals === undefined || BigInt(next.xact) < BigInt(this.arrivals.xact)) {
      this.arrivals = next;
      this.walkAnew();
      return true;
    }
    let cursor: ArrivalCursor | undefined = this.arrivals;
    while (cursor !== undefined) {
      const from: ArrivalCursor = cursor;
      const found = await this.look(() => findArrivals(this.sql, from, ARRIVALS_AT_ONCE));
      if (!(await this.seal(found))) return false;
      cursor = found.next;
    }
    this.arrivals = next;
    return true;
  }

  private async sealHistory(): Promise<boolean> {
    const until = Date.now() + WALK_MS;
    if (this.walk === undefined && Date.now() > this.restUntil) this.walkAnew();
    while (this.walk !== undefined && Date.now() < until) {
      const from = this.walk;
      const found = await this.look(() => findInHistory(this.sql, from, HISTORY_AT_ONCE));
      if (!(await this.seal(found))) return false;
      this.walk = found.next;
      if (this.walk === undefined)
        this.restUntil = Date.now() + Math.max(REST_MS, RESTS * (Date.now() - this.walkBeganAt));
    }
    return true;
  }

  private walkAnew(): void {
    this.walk = NEWEST;
    this.walkBeganAt = Date.now();
  }

  /** A search that failed may have met the end of this database and the start of another: then everything is looked through anew. */
  private async look<Result>(search: () => Promise<Result>): Promise<Result> {
    try {
      return await search();
    } catch (error) {
      this.arrivals = undefined;
      throw error;
    }
  }

  private async seal({ unsealed, oldestSeconds: seconds }: Found<unknown>): Promise<boolean> {
    if (unsealed.length === 0) return true;
    this.waiting = { rows: unsealed.length, seconds, foundAt: Date.now() };
    const sealed = await sealBatch(this.sql, unsealed);
    if (sealed === undefined) return false;
    this.waiting = NOTHING;
    if (sealed.end !== undefined) this.note(sealed.end.position, sealed.end.hash);
    if (sealed.late === undefined) return true;
    this.sealedLate += sealed.late.rows;
    this.logger.warn({ message: 'rows of the audit were sealed late', ...sealed.late });
    return true;
  }

  /** A log that is kept elsewhere holds the chain to what it was, also its end: `npm run audit:verify -- --expect`. */
  private note(position: string, hash: Buffer): void {
    if (Date.now() - this.notedAt < NOTE_MS) return;
    this.notedAt = Date.now();
    this.logger.log({ sealed: `${position}:${hash.toString('hex')}` });
  }

  private complain(error: unknown): void {
    if (Date.now() - this.complainedAt < COMPLAIN_MS) return;
    this.complainedAt = Date.now();
    const why = error instanceof postgres.PostgresError ? `SQLSTATE ${error.code}` : 'no connection';
    this.logger.error(`the audit cannot be sealed at the moment (${why}); tried again every second`);
  }
}
