import { setImmediate } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { and, eq, sql } from 'drizzle-orm';
import { BACKGROUND_DATABASE, type Database } from '../../database/database.module.js';
import { Queue } from '../../database/queue.js';
import { importChunks, importRows, imports } from '../../database/schema.records.js';
import { type IdentityKey, keyedDigest } from '../../mapping/values/identity.js';
import { planHash } from '../../mapping/owned.merge.js';
import { type RowWords, Words } from '../../terms/words.service.js';
import { inspectCsv, type CsvShape } from '../../csv/csv.inspection.js';
import { type CsvRow, readRows, type SkippedRows } from '../../csv/csv.reader.js';
import { FileRefused } from '../../csv/csv.refusal.js';
import { Duplicates } from './duplicates.service.js';
import type { StoredPlan } from '../writing/chunk.plans.js';
import { CHUNK_ROWS, ChunkStore } from '../writing/chunk.store.js';
import { ImportLocks } from '../writing/import.locks.js';
import { sourceOf } from './import.source.js';
import { type ImportRecord, Imports } from './imports.service.js';
import { MappingChoice } from './mapping.choice.js';
import { MappingContexts } from './mapping.contexts.js';
import { Mappings, type StoredMapping } from './mappings.service.js';
import { plainBytes, probeFile } from '../../csv/plain.file.js';
import { withLongStatementTimeout } from './long.statements.js';
import { RowMapper } from '../writing/row.mapper.js';
import { RowStore } from '../writing/row.store.js';
import { StagedFiles } from './staged.files.js';

/** A list with at most this number of chunks has priority over larger lists. */
const SMALL_CHUNKS = 10;
/**
 * The number of attempts to find the file before the import fails. Any gateway can make an attempt. The next attempt follows after
 * `ATTEMPT_SECONDS`.
 */
const MOST_ATTEMPTS = 120;
const ATTEMPT_SECONDS = 1;
/** The number of rows that are mapped before other work of the process gets its turn. They take a few milliseconds. */
const ROWS_WITHOUT_PAUSE = 20;

/**
 * Inspects an uploaded file: detects the encoding, delimiter and header, maps the rows, stores them in chunks, and marks rejected and
 * duplicate rows.
 */
@Injectable()
export class Inspection {
  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly imports: Imports,
    private readonly mappings: Mappings,
    private readonly choice: MappingChoice,
    private readonly contexts: MappingContexts,
    private readonly files: StagedFiles,
    private readonly duplicates: Duplicates,
    private readonly rows: RowStore,
    private readonly queue: Queue,
    private readonly chunks: ChunkStore,
    private readonly locks: ImportLocks,
    private readonly words: Words,
  ) {}

  /**
   * Inspects a file. After a crash, the inspection starts again. If the upload named no mapping, the columns of the file decide. If the file is unreadable, the import fails with an issue code. If the
   * file is not on the disk of this gateway, the job is queued again, so that another gateway can run the job. `missed` counts these
   * attempts.
   */
  async inspect(importId: string, missed: number, signal: AbortSignal): Promise<void> {
    await this.locks.withImportLock(importId, () => this.read(importId, missed, signal));
  }

  private async read(importId: string, missed: number, signal: AbortSignal): Promise<void> {
    const record = await this.imports.get(importId);
    if (record.status !== 'inspecting') return;
    if (!(await this.files.has(importId))) return this.tryLater(record, missed);
    await this.database.transaction(async (transaction) => {
      await withLongStatementTimeout(transaction);
      await transaction.delete(importRows).where(eq(importRows.importId, importId));
      await transaction.delete(importChunks).where(eq(importChunks.importId, importId));
    });
    try {
      const mapping =
        record.mapping === null
          ? await this.choice.choose(record, signal)
          : await this.mappings.byId(record.mapping);
      if (mapping === undefined) return;
      const facts = await probeFile(() => this.files.open(importId), record.sheet ?? undefined);
      const shape = inspectCsv(facts, mapping.document, record.encoding ?? undefined);
      const staged = await this.stage(record, mapping, shape, signal);
      if (staged === 'cancelled') return;
      // All rows are stored in the database now, so the file is no longer needed.
      if (await this.queueChunks(record, mapping, shape, staged)) await this.files.remove(importId);
    } catch (error) {
      if (!(error instanceof FileRefused)) throw error;
      await this.imports.fail(importId, error.code, error.columns);
    }
  }

  private async stage(
    record: ImportRecord,
    mapping: StoredMapping,
    shape: CsvShape,
    signal: AbortSignal,
  ): Promise<StagedRows | 'cancelled'> {
    const context = await this.contexts.of(record);
    const mapper = this.contexts.mapperFor(mapping.document, shape.header, context);
    let buffered: CsvRow[] = [];
    let chunks = 0;
    let rows = 0;
    // PostgreSQL stores a chunk while the next chunk is mapped.
    let stored: Promise<void> = Promise.resolve();
    const storeChunk = async (part: readonly CsvRow[]) => {
      const mapped = await this.mapChunk(record.id, part, mapper, context.key);
      await stored;
      stored = this.storeChunk(record.id, chunks, part, mapped);
      // The next `await stored` throws the error.
      stored.catch(() => undefined);
      chunks += 1;
      rows += part.length;
    };
    const skipped: SkippedRows = { titles: [], footers: [] };
    const open = () => this.files.open(record.id);
    try {
      for await (const batch of readRows(plainBytes(open, shape), shape, skipped)) {
        signal.throwIfAborted();
        buffered.push(...batch);
        for (; buffered.length >= CHUNK_ROWS; buffered = buffered.slice(CHUNK_ROWS)) {
          if ((await this.imports.get(record.id)).status !== 'inspecting') return 'cancelled';
          await storeChunk(buffered.slice(0, CHUNK_ROWS));
        }
      }
      if (buffered.length > 0) await storeChunk(buffered);
      await stored;
    } finally {
      // No chunk may be stored after the lock on the import is released.
      await stored.catch(() => undefined);
    }
    return { rows, chunks, skipped, mapper };
  }

  private async mapChunk(
    importId: string,
    rows: readonly CsvRow[],
    mapper: RowMapper,
    key: IdentityKey,
  ): Promise<MappedChunk> {
    const unknown: RowWords[] = [];
    const plans: StoredPlan[] = [];
    const states: object[] = [];
    await mapper.prepare(rows);
    for (const [at, row] of rows.entries()) {
      // Mapping a whole chunk without a pause would delay all requests.
      if (at % ROWS_WITHOUT_PAUSE === 0) await setImmediate();
      if (row.fault !== undefined) {
        states.push({ row: row.row, state: 'rejected', issues: [row.fault] });
        continue;
      }
      const { outcome: mapped, words } = await mapper.map(row);
      if (mapped.outcome === 'rejected') {
        if (mapped.unknown.length > 0) unknown.push({ row: row.row, words: mapped.unknown, waits: false });
        states.push({ row: row.row, state: 'rejected', issues: mapped.issues });
        continue;
      }
      plans.push({ row: row.row, plan: mapped.plan, issues: mapped.issues, words });
      // The digest has a key. Without a key, an attacker could find the content of a row by trial.
      const content = keyedDigest(key, [planHash(mapped.plan)]);
      const [patient, ...others] = mapped.plan.identityKeys;
      states.push({
        row: row.row,
        state: 'pending',
        issues: [],
        patient,
        content,
        person: mapped.plan.person,
        ...(others.length === 0 ? {} : { others }),
      });
    }
    if (unknown.length > 0) await this.words.addToInbox(importId, unknown);
    return { plans, states };
  }

  private async storeChunk(
    importId: string,
    chunk: number,
    rows: readonly CsvRow[],
    { plans, states }: MappedChunk,
  ): Promise<void> {
    await this.database.transaction(async (transaction) => {
      await this.chunks.insert(transaction, importId, chunk, rows, plans);
      await transaction.execute(sql`
        insert into import_rows (import_id, row, chunk, state, patient, content, issues, others, person)
        select ${importId}, row, ${chunk}, state, patient, content, issues, others, person
        from jsonb_to_recordset(${JSON.stringify(states)}::jsonb)
          as given (row int, state text, patient text, content text, issues jsonb, others text[], person text)`);
    });
  }

  /** Resolves duplicate rows and queues the chunks. Returns false when the import was cancelled. */
  private async queueChunks(
    record: ImportRecord,
    { document }: StoredMapping,
    shape: CsvShape,
    staged: StagedRows,
  ): Promise<boolean> {
    const { rows: rowsTotal, chunks, skipped } = staged;
    const run = record.run + 1;
    const queued = await this.database.transaction(async (transaction) => {
      await withLongStatementTimeout(transaction);
      const inspecting = and(eq(imports.id, record.id), eq(imports.status, 'inspecting'));
      const [locked] = await transaction.select().from(imports).where(inspecting).for('update');
      if (locked === undefined) return false;
      const { duplicate_in_file: policy } = document.policies;
      await this.duplicates.resolve(transaction, record.id, policy, staged.mapper);
      await this.rows.recount(transaction, record.id);
      await transaction
        .update(imports)
        .set({ status: 'queued', source: sourceOf(shape, skipped), rowsTotal, run })
        .where(eq(imports.id, record.id));
      const jobs = Array.from({ length: chunks }, (_, chunk) => ({ import_id: record.id, chunk, run }));
      const priority = chunks <= SMALL_CHUNKS ? 1 : 0;
      await this.queue.add('import-chunk', jobs, transaction, { priority });
      return true;
    });
    if (queued) await this.imports.addEvent(record.id);
    return queued;
  }

  private async tryLater(record: ImportRecord, missed: number): Promise<void> {
    if (missed >= MOST_ATTEMPTS) return this.imports.fail(record.id, 'file-lost');
    const job = { import_id: record.id, missed: missed + 1 };
    await this.database.transaction((transaction) =>
      this.queue.add('import-inspect', [job], transaction, { afterSeconds: ATTEMPT_SECONDS }),
    );
  }
}

/** The plans of the rows of a chunk, and the values of `import_rows`. */
interface MappedChunk {
  readonly plans: readonly StoredPlan[];
  readonly states: readonly object[];
}

interface StagedRows {
  readonly mapper: RowMapper;
  readonly rows: number;
  readonly chunks: number;
  readonly skipped: SkippedRows;
}
