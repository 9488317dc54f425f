import { Inject, Injectable } from '@nestjs/common';
import { and, eq, inArray, or, sql } from 'drizzle-orm';
import { z } from 'zod';
import { BACKGROUND_DATABASE, type Database, type Transaction } from '../../database/database.module.js';
import { Queue } from '../../database/queue.js';
import { importChunks, importRows, imports, ROW_STATES } from '../../database/schema.records.js';
import { FhirServer } from '../../fhir/fhir.server.js';
import { Conflict } from '../../problems/errors.js';
import { Duplicates } from './duplicates.service.js';
import { endOf } from './import.ending.js';
import { ImportLocks } from '../writing/import.locks.js';
import { type ImportRecord, Imports } from './imports.service.js';
import { MappingContexts } from './mapping.contexts.js';
import { Mappings } from './mappings.service.js';
import { withLongStatementTimeout } from './long.statements.js';
import { type RowState, RowStore } from '../writing/row.store.js';

const States = z.array(z.enum(ROW_STATES));
/**
 * The issue codes of rows for which a rerun is useless. Unreadable rows would be unreadable again. Rows that were rejected because of
 * another row would be rejected again.
 */
const UNREADABLE = `@.code == "column-count" || @.code == "quote-broken" || @.code == "row-too-large"`;
const REJECTED_TOGETHER = `@.code == "duplicate-in-file" || @.code == "identifier-shared"`;

const QUEUED = { status: 'queued', finishedAt: null } as const;

/** Runs rows of an import again. A request only records the states of the rows to run again. A job then resets the rows. */
@Injectable()
export class Reruns {
  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly queue: Queue,
    private readonly imports: Imports,
    private readonly rows: RowStore,
    private readonly mappings: Mappings,
    private readonly duplicates: Duplicates,
    private readonly locks: ImportLocks,
    private readonly fhir: FhirServer,
    private readonly contexts: MappingContexts,
  ) {}

  /** Records the states of the rows to run again, within a transaction that has locked the import. Throws Conflict when no row matches. */
  async request(
    transaction: Transaction,
    record: ImportRecord,
    states: readonly RowState[],
    set: Partial<typeof imports.$inferInsert> = {},
  ): Promise<void> {
    this.fhir.mustBeConfigured();
    if (record.forgottenAt !== null)
      throw new Conflict(
        'import-rows-deleted',
        'The rows of this import were deleted. Upload the list again.',
      );
    // Include the states of an earlier request that was cancelled before its job ran.
    const again = [...new Set([...States.parse(record.again ?? []), ...states])];
    if (!(await hasRows(transaction, record, again)))
      throw new Conflict('import-state-conflict', 'No row of this import can run again.');
    const run = record.run + 1;
    await transaction
      .update(imports)
      .set({ status: 'queued', run, again, failure: null, finishedAt: null, ...set })
      .where(eq(imports.id, record.id));
    await this.queue.add('import-again', [{ import_id: record.id, run }], transaction);
  }

  /**
   * Resets the requested rows and queues their chunks. Does nothing if the import was cancelled or started again. A second call changes
   * nothing.
   */
  async begin(importId: string, run: number): Promise<void> {
    // The lock waits until a running bundle of an earlier run has ended.
    const isBegun = await this.locks.withImportLock(importId, async () => {
      const record = await this.imports.get(importId);
      if (!isRequested(record, run)) return false;
      return this.database
        .transaction(async (transaction) => {
          const chunks = await this.reset(transaction, record, States.parse(record.again));
          // Lock the import only after the reset, so that a cancellation does not wait for the reset.
          const [now] = await transaction
            .select()
            .from(imports)
            .where(eq(imports.id, importId))
            .for('update');
          if (now === undefined || !isRequested(now, run)) throw new Superseded();
          const ended = { status: await endOf(transaction, now), finishedAt: new Date() };
          await transaction
            .update(imports)
            .set({ again: null, ...(chunks.length === 0 ? ended : {}) })
            .where(eq(imports.id, importId));
          await this.queueChunks(transaction, importId, chunks, run);
          return true;
        })
        .catch((error: unknown) => {
          if (error instanceof Superseded) return false;
          throw error;
        });
    });
    if (isBegun) await this.imports.addEvent(importId);
  }

  /**
   * Resets rows and queues their chunks within the caller's transaction. Only jobs call this. If no reset row is left to write, for example
   * because a person rejected it, the import ends at once. Throws Conflict when no row matches.
   */
  async beginNow(
    transaction: Transaction,
    record: ImportRecord,
    states: readonly RowState[],
    which = sql`true`,
  ): Promise<void> {
    const next = { ...record, run: record.run + 1 };
    const matching = and(eq(importRows.importId, record.id), inArray(importRows.state, [...states]), which);
    if ((await transaction.$count(importRows, matching)) === 0)
      throw new Conflict('import-state-conflict', 'No row of this import can run again.');
    const chunks = await this.reset(transaction, next, states, which);
    const ended = { status: await endOf(transaction, next), finishedAt: new Date() };
    await transaction
      .update(imports)
      .set({ run: next.run, failure: null, ...(chunks.length === 0 ? ended : QUEUED) })
      .where(eq(imports.id, record.id));
    await this.queueChunks(transaction, record.id, chunks, next.run);
  }

  /** Resets rows to pending and returns their chunks. The other chunks are marked as done in this run. */
  private async reset(
    transaction: Transaction,
    record: ImportRecord,
    states: readonly RowState[],
    which = sql`true`,
  ): Promise<number[]> {
    const { id, run } = record;
    await withLongStatementTimeout(transaction);
    await transaction
      .update(importRows)
      .set({ state: 'pending', issues: [], changes: null, leader: null })
      .where(
        and(eq(importRows.importId, id), inArray(importRows.state, [...states]), which, hasNot(UNREADABLE)),
      );
    // The rows that are pending now can be duplicates of each other, so resolve the duplicates again.
    const { document } = await this.mappings.ofImport(record);
    const mapper = await this.contexts.mapper(record);
    await this.duplicates.resolve(transaction, id, document.policies.duplicate_in_file, mapper);
    const pending = and(eq(importRows.importId, id), eq(importRows.state, 'pending'));
    const rows = await transaction
      .selectDistinct({ chunk: importRows.chunk })
      .from(importRows)
      .where(pending)
      .orderBy(importRows.chunk);
    const chunks = rows.map(({ chunk }) => chunk);
    await this.rows.recount(transaction, id);
    const ofImport = eq(importChunks.importId, id);
    await transaction.update(importChunks).set({ runDone: run }).where(ofImport);
    if (chunks.length > 0)
      await transaction
        .update(importChunks)
        .set({ runDone: run - 1 })
        .where(and(ofImport, inArray(importChunks.chunk, chunks)));
    return chunks;
  }

  private queueChunks(
    transaction: Transaction,
    importId: string,
    chunks: number[],
    run: number,
  ): Promise<void> {
    const jobs = chunks.map((chunk) => ({ import_id: importId, chunk, run }));
    return this.queue.add('import-chunk', jobs, transaction);
  }
}

/** The import was cancelled or restarted during the reset. The transaction rolls back. */
class Superseded extends Error {}

const isRequested = (record: ImportRecord, run: number) =>
  record.run === run && record.status === 'queued' && record.again !== null;

const hasNot = (
  reasons: string,
) => sql`(${importRows.state} <> 'rejected' or ${importRows.patient} is not null
  or not ${importRows.issues} @? ${`$[*] ? (${reasons})`}::jsonpath)`;

/** Whether any row in one of the states would run again. Only chunks whose counts include such rows are searched. */
async function hasRows(
  transaction: Transaction,
  { id, rowsTotal }: ImportRecord,
  states: readonly RowState[],
): Promise<boolean> {
  const counted = {
    created: importChunks.created,
    updated: importChunks.updated,
    unchanged: importChunks.unchanged,
    rejected: importChunks.rejected,
    waiting: importChunks.waiting,
    duplicate: importChunks.duplicate,
  };
  const all = sql.join(Object.values(counted), sql` + `);
  const [counts] = await transaction
    .select({ done: sql<number>`coalesce(sum(${all}), 0)::int` })
    .from(importChunks)
    .where(eq(importChunks.importId, id));
  if (states.includes('pending') && (counts?.done ?? 0) < rowsTotal) return true;
  const any = states.flatMap((state) => (state === 'pending' ? [] : [sql`${counted[state]} > 0`]));
  const [found] = await transaction
    .select({ row: importRows.row })
    .from(importChunks)
    .innerJoin(
      importRows,
      and(eq(importRows.importId, importChunks.importId), eq(importRows.chunk, importChunks.chunk)),
    )
    .where(
      and(
        eq(importChunks.importId, id),
        or(...any),
        inArray(importRows.state, [...states]),
        hasNot(UNREADABLE),
        sql`not ${importRows.issues} @? ${`$[*] ? (${REJECTED_TOGETHER})`}::jsonpath`,
      ),
    )
    .limit(1);
  return found !== undefined;
}
