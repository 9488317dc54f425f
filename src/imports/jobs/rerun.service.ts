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
import { Mappings } from './mappings.service.js';
import { withLongStatementTimeout } from './long.statements.js';
import { type RowState, RowStore } from '../writing/row.store.js';

const States = z.array(z.enum(ROW_STATES));
/** What could not be read as a row will not be one the next time; rows that are refused for one another stay of one patient. */
const UNREADABLE = `@.code == "column-count" || @.code == "quote-broken" || @.code == "row-too-large"`;
const FOR_ONE_ANOTHER = `@.code == "duplicate-in-file" || @.code == "identifier-shared"`;

/** Runs rows of an import again: what is asked for is noted at once, however many rows there are, and done by a job. */
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
  ) {}

  /** Notes which rows run again, in the caller's transaction, which holds the import's row. Conflict when there are none. */
  async ask(
    transaction: Transaction,
    record: ImportRecord,
    states: readonly RowState[],
    set: Partial<typeof imports.$inferInsert> = {},
  ): Promise<void> {
    this.fhir.mustBeConfigured();
    if (record.forgottenAt !== null)
      throw new Conflict('import-rows-deleted', 'The rows of this import are no longer kept.');
    // What was asked for before, and cancelled before it was done.
    const again = [...new Set([...States.parse(record.again ?? []), ...states])];
    if (!(await hasRows(transaction, record, again)))
      throw new Conflict('import-state-conflict', 'No row of this import is left to run.');
    const run = record.run + 1;
    await transaction
      .update(imports)
      .set({ status: 'queued', run, again, failure: null, finishedAt: null, ...set })
      .where(eq(imports.id, record.id));
    await this.queue.add('import-again', [{ import_id: record.id, run }], transaction);
  }

  /** Does what was asked for, unless the import was cancelled or begun anew meanwhile; done twice it is done once. */
  async begin(importId: string, run: number): Promise<void> {
    // A bundle of an earlier run ends first.
    const begun = await this.locks.alone(importId, async () => {
      const record = await this.imports.get(importId);
      if (!isAsked(record, run)) return false;
      return this.database
        .transaction(async (transaction) => {
          const chunks = await this.setBack(transaction, record, States.parse(record.again));
          // Locked at the end only: whoever cancels meanwhile does not wait.
          const [now] = await transaction
            .select()
            .from(imports)
            .where(eq(imports.id, importId))
            .for('update');
          if (now === undefined || !isAsked(now, run)) throw new Overtaken();
          const ended = { status: await endOf(transaction, now), finishedAt: new Date() };
          await transaction
            .update(imports)
            .set({ again: null, ...(chunks.length === 0 ? ended : {}) })
            .where(eq(imports.id, importId));
          await this.add(transaction, importId, chunks, run);
          return true;
        })
        .catch((error: unknown) => {
          if (error instanceof Overtaken) return false;
          throw error;
        });
    });
    if (begun) await this.imports.tell(importId);
  }

  /** Begins a run of some rows at once; for jobs. Conflict when there are none. */
  async beginNow(
    transaction: Transaction,
    record: ImportRecord,
    states: readonly RowState[],
    which = sql`true`,
  ): Promise<void> {
    const next = { ...record, run: record.run + 1 };
    const chunks = await this.setBack(transaction, next, states, which);
    if (chunks.length === 0)
      throw new Conflict('import-state-conflict', 'No row of this import is left to run.');
    await transaction
      .update(imports)
      .set({ status: 'queued', run: next.run, failure: null, finishedAt: null })
      .where(eq(imports.id, record.id));
    await this.add(transaction, record.id, chunks, next.run);
  }

  /** Sets rows back to pending and gives the chunks they are in; other chunks count as done in this run. */
  private async setBack(
    transaction: Transaction,
    { id, run, mapping }: ImportRecord,
    states: readonly RowState[],
    which = sql`true`,
  ): Promise<number[]> {
    await withLongStatementTimeout(transaction);
    await transaction
      .update(importRows)
      .set({ state: 'pending', issues: [], changes: null, leader: null })
      .where(
        and(eq(importRows.importId, id), inArray(importRows.state, [...states]), which, isNot(UNREADABLE)),
      );
    // Rows that were refused for one another are still of one patient.
    const { document } = await this.mappings.byId(mapping);
    await this.duplicates.settle(transaction, id, document.policies.duplicate_in_file);
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

  private add(transaction: Transaction, importId: string, chunks: number[], run: number): Promise<void> {
    const jobs = chunks.map((chunk) => ({ import_id: importId, chunk, run }));
    return this.queue.add('import-chunk', jobs, transaction);
  }
}

/** The import was cancelled, or begun anew, while its rows were set back: they are as they were. */
class Overtaken extends Error {}

const isAsked = (record: ImportRecord, run: number) =>
  record.run === run && record.status === 'queued' && record.again !== null;

const isNot = (reasons: string) => sql`(${importRows.state} <> 'rejected' or ${importRows.patient} is not null
  or not ${importRows.issues} @? ${`$[*] ? (${reasons})`}::jsonpath)`;

/** Whether a run would reach any row; the counts of chunks say where to look. */
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
        isNot(UNREADABLE),
        sql`not ${importRows.issues} @? ${`$[*] ? (${FOR_ONE_ANOTHER})`}::jsonpath`,
      ),
    )
    .limit(1);
  return found !== undefined;
}
