import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Inject, Injectable } from '@nestjs/common';
import { and, asc, desc, eq, gt } from 'drizzle-orm';
import { DATABASE, type Database, type Transaction } from '../../database/database.module.js';
import { importEvents, imports } from '../../database/schema.records.js';
import { NotVisible } from '../../problems/errors.js';
import { ImportNotifications } from './import.notifications.js';
import type { ImportReport } from './import.report.js';

const COMMENT_MS = 15_000;
const PAGE = 500;

/** Stores and streams the progress events of imports. A client that reconnects receives the events that it missed. */
@Injectable()
export class ImportEvents {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly notifications: ImportNotifications,
  ) {}

  /**
   * Stores the progress of an import as an event, within the caller's transaction. The event contains the status and counts, and no data of
   * rows.
   */
  async add(
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

  /**
   * Streams the events after `lastEventId` as `text/event-stream` (HTML, "Server-sent events"). Streams all events when `lastEventId` is
   * missing or not a number. Returns undefined when the import has ended and the client has received the last event. Throws NotVisible for
   * an unknown import.
   */
  async open(importId: string, lastEventId: string | undefined): Promise<Readable | undefined> {
    if ((await this.database.$count(imports, eq(imports.id, importId))) === 0) throw new NotVisible();
    const last = /^\d{1,15}$/.test(lastEventId ?? '') ? Number(lastEventId) : 0;
    if (await this.isComplete(importId, last)) return undefined;
    const closed = new AbortController();
    // A PassThrough closes immediately. Readable.from would close only when the generator returns, and the generator can wait for 15 s.
    const output = new PassThrough().once('close', () => closed.abort());
    // After a failure, pipeline destroys the output, which also ends the response.
    void pipeline(this.follow(importId, last, closed.signal), output).catch(() => undefined);
    return output;
  }

  private async isComplete(importId: string, last: number): Promise<boolean> {
    const [newest] = await this.database
      .select()
      .from(importEvents)
      .where(eq(importEvents.importId, importId))
      .orderBy(desc(importEvents.id))
      .limit(1);
    return newest !== undefined && newest.id <= last && isFinal(newest.data);
  }

  /** Yields the stored events, then each new event. Yields a comment line after 15 s without an event. Ends after the final event. */
  private async *follow(importId: string, after: number, closed: AbortSignal): AsyncGenerator<string> {
    yield 'retry: 2000\n\n';
    // Subscribe before the first read. Otherwise an event that is added between the read and the wait would be missed.
    const subscription = this.notifications.subscribe(importId);
    try {
      let last = after;
      while (!closed.aborted) {
        const rows = await this.page(importId, last);
        for (const { id, data } of rows) {
          yield `id: ${id}\nevent: progress\ndata: ${JSON.stringify(data)}\n\n`;
          last = id;
        }
        if (rows.length === PAGE) continue;
        if (isFinal(rows.at(-1)?.data)) return;
        while (!(await subscription.wait(COMMENT_MS, closed)) && !closed.aborted) yield ': still here\n\n';
      }
    } finally {
      subscription.end();
    }
  }

  private page(importId: string, after: number) {
    return this.database
      .select()
      .from(importEvents)
      .where(and(eq(importEvents.importId, importId), gt(importEvents.id, after)))
      .orderBy(asc(importEvents.id))
      .limit(PAGE);
  }
}

/** Whether the import has ended with this event. More events follow only if the import runs again. */
function isFinal(data: unknown): boolean {
  return (
    typeof data === 'object' && data !== null && 'finished_at' in data && typeof data.finished_at === 'string'
  );
}
