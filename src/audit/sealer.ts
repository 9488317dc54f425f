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
  type NewRowsCursor,
  cursorFromNow,
  type AuditKey,
  findNewRows,
  findInHistory,
  type Found,
  NEWEST,
} from './unsealed.rows.js';

const INTERVAL_MS = 1_000;
const NEW_ROWS_BATCH = 1_000;
const HISTORY_BATCH = 5_000;
/** The maximum time in each second for the search through older rows. */
const WALK_MS = 300;
/** The minimum pause after the search through older rows. The pause is also at least twenty times as long as the search. */
const MIN_PAUSE_MS = 60_000;
const PAUSE_FACTOR = 20;
const ANCHOR_LOG_MS = 60 * 60 * 1000;
const ERROR_LOG_MS = 60_000;
const NOTHING = { rows: 0, seconds: 0, foundAt: 0 };

/** The state of sealing in this process. */
export interface SealingState {
  /** Age in seconds of the oldest row that could not be sealed, or 0 if there is no such row. */
  readonly unsealedSeconds: number;
  /** The number of rows in the last batch if the batch could not be sealed, or 0. There can be more rows without a seal. */
  readonly unsealedRows: number;
  /** The number of rows that this process sealed more than a minute after they were written. */
  readonly sealedLate: number;
  /** True if a row has waited longer than a minute for its seal, or if no search has succeeded for a minute. */
  readonly isStalled: boolean;
}

/**
 * Seals each audit row in a chain of hashes (docs/decisions/0012-the-sealer-finds-unsealed-rows-directly.md). The sealer searches for rows
 * without a seal. It cannot rely on the order of the rows: transaction ids restart in a new cluster, and transactions commit out of order.
 * It finds new rows within one second. A slower search also reads older rows, newest first. The slower search finds the rows that the
 * search for new rows missed, such as rows of another cluster.
 */
@Injectable()
export class Sealer implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('audit');
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private newRows: NewRowsCursor | undefined;
  /** The position of the search through older rows, or `undefined` during its pause. */
  private walk: AuditKey | undefined;
  private walkStartedAt = 0;
  private pausedUntil = 0;
  private waiting = NOTHING;
  private sealedLate = 0;
  private succeededAt = Date.now();
  private anchorLoggedAt = 0;
  private errorLoggedAt = 0;

  constructor(@Inject(BACKGROUND_POSTGRES) private readonly sql: postgres.Sql) {}

  onApplicationBootstrap(): void {
    this.succeededAt = Date.now();
    this.timer = setInterval(() => {
      this.running ??= this.run(true).finally(() => {
        this.running = undefined;
      });
    }, INTERVAL_MS);
  }

  /** Seals the newest rows before the process stops. These rows would otherwise be sealed late, after the restart. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
    await this.run(false);
  }

  get state(): SealingState {
    const { rows, seconds, foundAt } = this.waiting;
    const unsealedSeconds = rows === 0 ? 0 : seconds + (Date.now() - foundAt) / 1000;
    const isStalled = unsealedSeconds > LATE_SECONDS || Date.now() - this.succeededAt > LATE_SECONDS * 1000;
    return { unsealedSeconds, unsealedRows: rows, sealedLate: this.sealedLate, isStalled };
  }

  private async run(walks: boolean): Promise<void> {
    try {
      if ((await this.sealNewRows()) && (!walks || (await this.sealHistory()))) {
        this.waiting = NOTHING;
        this.succeededAt = Date.now();
      }
    } catch (error) {
      this.logError(error);
    }
  }

  /** Seals all new rows. Returns false if another gateway is sealing. That gateway then seals the remaining rows. */
  private async sealNewRows(): Promise<boolean> {
    const next = await this.search(() => cursorFromNow(this.sql));
    if (this.newRows === undefined || BigInt(next.xact) < BigInt(this.newRows.xact)) {
      this.newRows = next;
      this.restartWalk();
      return true;
    }
    let cursor: NewRowsCursor | undefined = this.newRows;
    while (cursor !== undefined) {
      const from: NewRowsCursor = cursor;
      const found = await this.search(() => findNewRows(this.sql, from, NEW_ROWS_BATCH));
      if (!(await this.seal(found))) return false;
      cursor = found.next;
    }
    this.newRows = next;
    return true;
  }

  private async sealHistory(): Promise<boolean> {
    const until = Date.now() + WALK_MS;
    if (this.walk === undefined && Date.now() > this.pausedUntil) this.restartWalk();
    while (this.walk !== undefined && Date.now() < until) {
      const from = this.walk;
      const found = await this.search(() => findInHistory(this.sql, from, HISTORY_BATCH));
      if (!(await this.seal(found))) return false;
      this.walk = found.next;
      if (this.walk === undefined)
        this.pausedUntil =
          Date.now() + Math.max(MIN_PAUSE_MS, PAUSE_FACTOR * (Date.now() - this.walkStartedAt));
    }
    return true;
  }

  private restartWalk(): void {
    this.walk = NEWEST;
    this.walkStartedAt = Date.now();
  }

  /** Runs a query. After an error the gateway may be connected to another database, so the search for new rows restarts. */
  private async search<Result>(query: () => Promise<Result>): Promise<Result> {
    try {
      return await query();
    } catch (error) {
      this.newRows = undefined;
      throw error;
    }
  }

  private async seal({ unsealed, oldestSeconds: seconds }: Found<unknown>): Promise<boolean> {
    if (unsealed.length === 0) return true;
    this.waiting = { rows: unsealed.length, seconds, foundAt: Date.now() };
    const sealed = await sealBatch(this.sql, unsealed);
    if (sealed === undefined) return false;
    this.waiting = NOTHING;
    if (sealed.end !== undefined) this.logAnchor(sealed.end.position, sealed.end.hash);
    if (sealed.late === undefined) return true;
    this.sealedLate += sealed.late.rows;
    this.logger.warn({ message: 'rows of the audit were sealed late', ...sealed.late });
    return true;
  }

  /**
   * Logs the last seal once an hour. With a copy of this log line, `npm run audit:verify -- --expect` can detect a later deletion of the
   * last seals.
   */
  private logAnchor(position: string, hash: Buffer): void {
    if (Date.now() - this.anchorLoggedAt < ANCHOR_LOG_MS) return;
    this.anchorLoggedAt = Date.now();
    this.logger.log({ sealed: `${position}:${hash.toString('hex')}` });
  }

  private logError(error: unknown): void {
    if (Date.now() - this.errorLoggedAt < ERROR_LOG_MS) return;
    this.errorLoggedAt = Date.now();
    const why = error instanceof postgres.PostgresError ? `SQLSTATE ${error.code}` : 'no connection';
    this.logger.error(`the audit cannot be sealed at the moment (${why}); tried again every second`);
  }
}
