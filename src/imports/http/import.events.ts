import { Inject, Injectable } from '@nestjs/common';
import { and, asc, desc, eq, gt } from 'drizzle-orm';
import { DATABASE, type Database, type Transaction } from '../../database/database.module.js';
import { importEvents } from '../../database/schema.records.js';
import { ImportNotifications } from './import.notifications.js';
import type { ImportReport } from './import.report.js';

const COMMENT_MS = 15_000;
const PAGE = 500;

/** Progress of imports as it is told: one event per chunk and per change of status, kept so that a listener can catch up. */
@Injectable()
export class ImportEvents {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly notifications: ImportNotifications,
  ) {}

  /** Tells how far an import is, as part of a transaction. Numbers only. */
  async tell(
    { file_id, status, undoing, rows_total, rows_done, percent, ...rest }: ImportReport,
    transaction: Transaction,
  ): Promise<void> {
    const { finished_at, created, updated, unchanged, rejected, waiting, duplicate } = rest;
    const data = {
      file_id,
      status,
      undoing,
      rows_total,
      rows_done,
      percent,
      created,
      updated,
      unchanged,
      rejected,
      waiting,
      duplicate,
      finished_at,
    };
    await transaction.insert(importEvents).values({ importId: file_id, data });
  }

  /** Whether a listener who heard `last` has heard all there is to hear of an import that has ended. */
  async hasHeardAll(importId: string, last: number): Promise<boolean> {
    const [newest] = await this.database
      .select()
      .from(importEvents)
      .where(eq(importEvents.importId, importId))
      .orderBy(desc(importEvents.id))
      .limit(1);
    return newest !== undefined && newest.id <= last && ended(newest.data);
  }

  /**
   * The events after `last` as `text/event-stream` (HTML, "Server-sent events"), then new ones as they come, a comment after 15 s of silence; ends
   * with the event that ends the import, or when the listener leaves.
   */
  async *follow(importId: string, last: number, signal: AbortSignal): AsyncGenerator<string> {
    yield 'retry: 2000\n\n';
    // Before the table is read, so that an event between reading and waiting is not missed.
    const subscription = this.notifications.subscribe(importId);
    try {
      let at = last;
      while (!signal.aborted) {
        const rows = await this.after(importId, at);
        for (const { id, data } of rows) {
          yield `id: ${id}\nevent: progress\ndata: ${JSON.stringify(data)}\n\n`;
          at = id;
        }
        if (rows.length === PAGE) continue;
        if (ended(rows.at(-1)?.data)) return;
        while (!(await subscription.wait(COMMENT_MS, signal)) && !signal.aborted) yield ': still here\n\n';
      }
    } finally {
      subscription.end();
    }
  }

  private after(importId: string, last: number) {
    return this.database
      .select()
      .from(importEvents)
      .where(and(eq(importEvents.importId, importId), gt(importEvents.id, last)))
      .orderBy(asc(importEvents.id))
      .limit(PAGE);
  }
}

/** Nothing more is told after its end, unless somebody starts the import again. */
function ended(data: unknown): boolean {
  return (
    typeof data === 'object' && data !== null && 'finished_at' in data && typeof data.finished_at === 'string'
  );
}
