import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { and, eq, isNotNull, isNull, lt, sql } from 'drizzle-orm';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { BACKGROUND_DATABASE, type Database } from '../../database/database.module.js';
import { importChanges, importChunks, importRows, imports } from '../../database/schema.records.js';
import { HOUR, hourly } from '../../limits/hourly.js';
import { withLongStatementTimeout } from './long.statements.js';

const DAY = 24 * HOUR;
/** The advisory lock that allows only one gateway at a time to delete rows. */
const RETENTION_LOCK = 7_263_431;

/**
 * Deletes the cells, changes and patient digests of the rows of imports that ended more than `IMPORT_ROWS_DAYS` days ago. Counts, states,
 * issues and the list of writes (for an undo) are kept. The rows cannot run again.
 */
@Injectable()
export class RowRetention implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('imports');
  private stop: (() => void) | undefined;

  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    @Inject(ENV) private readonly env: Pick<Env, 'IMPORT_ROWS_DAYS'>,
  ) {}

  onApplicationBootstrap(): void {
    this.stop = hourly(() => this.sweep(), this.logger, 'old rows were not deleted');
  }

  onApplicationShutdown(): void {
    this.stop?.();
  }

  private async sweep(): Promise<void> {
    while (await this.deleteNext());
  }

  /** Deletes the row data of one import in a transaction. Returns false when no import is old enough, or another gateway has the lock. */
  private async deleteNext(): Promise<boolean> {
    const old = new Date(Date.now() - this.env.IMPORT_ROWS_DAYS * DAY);
    return this.database.transaction(async (transaction) => {
      const [lock] = await transaction.execute<{ held: boolean }>(
        sql`select pg_try_advisory_xact_lock(${RETENTION_LOCK}) as held`,
      );
      if (lock?.held !== true) return false;
      const [found] = await transaction
        .select({ id: imports.id })
        .from(imports)
        .where(and(isNull(imports.forgottenAt), isNotNull(imports.finishedAt), lt(imports.finishedAt, old)))
        .limit(1)
        .for('update', { skipLocked: true });
      if (found === undefined) return false;
      const { id } = found;
      await withLongStatementTimeout(transaction);
      // Without `sameness`, the same list can be imported again.
      await transaction
        .update(imports)
        .set({ forgottenAt: new Date(), sameness: null })
        .where(eq(imports.id, id));
      await transaction
        .update(importChunks)
        .set({ sealed: Buffer.alloc(0), plans: null, sent: {} })
        .where(eq(importChunks.importId, id));
      await transaction.delete(importChanges).where(eq(importChanges.importId, id));
      await transaction
        .update(importRows)
        .set({ changes: null, patient: null, content: null, others: null, person: null })
        .where(eq(importRows.importId, id));
      await transaction.execute(sql`delete from waiting_words where import_id = ${id}`);
      // A decision stays valid for later lists. The facts of both patients are deleted with the last row of the review.
      await transaction.execute(sql`
        update import_reviews set sides = null where sides is not null and not exists (
          select from import_review_rows link join imports on imports.id = link.import_id
          where link.review = import_reviews.id and imports.forgotten_at is null)`);
      return true;
    });
  }
}
