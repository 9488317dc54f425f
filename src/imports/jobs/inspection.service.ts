import { Inject, Injectable } from '@nestjs/common';
import { and, eq, sql } from 'drizzle-orm';
import { BACKGROUND_DATABASE, type Database } from '../../database/database.module.js';
import { Queue } from '../../database/queue.js';
import { importChunks, importRows, imports } from '../../database/schema.records.js';
import { type IdentityKey, keyedDigest } from '../../mapping/values/identity.js';
import { planHash } from '../../mapping/owned.merge.js';
import { type RowWords, Words } from '../../terms/words.service.js';
import { inspectCsv, type CsvShape } from '../../csv/csv.inspection.js';
import { type CsvRow, readRows } from '../../csv/csv.reader.js';
import { FileRefused } from '../../csv/csv.refusal.js';
import { Duplicates } from './duplicates.service.js';
import type { StoredPlan } from '../writing/chunk.plans.js';
import { ChunkStore } from '../writing/chunk.store.js';
import { ImportLocks } from '../writing/import.locks.js';
import { sourceOf } from './import.source.js';
import { type ImportRecord, Imports } from './imports.service.js';
import { MappingContexts } from './mapping.contexts.js';
import { Mappings, type StoredMapping } from './mappings.service.js';
import { plainBytes, probeFile } from '../../csv/plain.file.js';
import { withLongStatementTimeout } from './long.statements.js';
import { RowMapper } from '../writing/row.mapper.js';
import { RowStore } from '../writing/row.store.js';
import { StagedFiles } from './staged.files.js';

/** Rows that are sealed, mapped and reported together. */
const CHUNK = 500;
/** Small lists go before what is left of large ones: nobody waits hours for fifty rows. */
const SMALL_CHUNKS = 10;
/** How often a file is looked for by whichever gateway takes the job, a second apart. */
const MOST_MISSED = 120;
const LOOK_AGAIN_SECONDS = 1;

/** Reads an uploaded file once: finds out its shape, cuts it into sealed chunks, refuses rows that cannot be, settles duplicates. */
@Injectable()
export class Inspection {
  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly imports: Imports,
    private readonly mappings: Mappings,
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
   * Begins anew after a crash. A file that cannot be read ends as `failed` with its reason code; one that is not on this gateway's disk is
   * left to another gateway, `missed` times.
   */
  async inspect(importId: string, missed: number, signal: AbortSignal): Promise<void> {
    await this.locks.alone(importId, () => this.read(importId, missed, signal));
  }

  private async read(importId: string, missed: number, signal: AbortSignal): Promise<void> {
    const record = await this.imports.get(importId);
    if (record.status !== 'inspecting') return;
    if (!(await this.files.has(importId))) return this.lookAgain(record, missed);
    await this.database.transaction(async (transaction) => {
      await withLongStatementTimeout(transaction);
      await transaction.delete(importRows).where(eq(importRows.importId, importId));
      await transaction.delete(importChunks).where(eq(importChunks.importId, importId));
    });
    const mapping = await this.mappings.byId(record.mapping);
    try {
      const facts = await probeFile(this.files.open(importId));
      const shape = inspectCsv(facts, mapping.document, record.encoding ?? undefined);
      const staged = await this.stage(record, mapping, shape, signal);
      if (staged === 'not-wanted') return;
      // What was read is sealed in the database now.
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
  ): Promise<Counted | 'not-wanted'> {
    const context = await this.contexts.of(record);
    const mapper = new RowMapper(mapping.document, shape.header, context);
    let held: CsvRow[] = [];
    let chunks = 0;
    let rows = 0;
    const keep = async (part: readonly CsvRow[]) => {
      await this.keepChunk(record.id, chunks, part, mapper, context.key);
      chunks += 1;
      rows += part.length;
    };
    for await (const batch of readRows(plainBytes(this.files.open(record.id)), shape)) {
      signal.throwIfAborted();
      held.push(...batch);
      for (; held.length >= CHUNK; held = held.slice(CHUNK)) {
        if ((await this.imports.get(record.id)).status !== 'inspecting') return 'not-wanted';
        await keep(held.slice(0, CHUNK));
      }
    }
    if (held.length > 0) await keep(held);
    return { rows, chunks };
  }

  private async keepChunk(
    importId: string,
    chunk: number,
    rows: readonly CsvRow[],
    mapper: RowMapper,
    key: IdentityKey,
  ): Promise<void> {
    const unknown: RowWords[] = [];
    const plans: StoredPlan[] = [];
    const facts = rows.map((row) => {
      if (row.fault !== undefined) return { row: row.row, state: 'rejected', issues: [row.fault] };
      const { outcome: mapped, words } = mapper.map(row);
      if (mapped.outcome === 'rejected') {
        if (mapped.unknown.length > 0) unknown.push({ row: row.row, words: mapped.unknown, waits: false });
        return { row: row.row, state: 'rejected', issues: mapped.issues };
      }
      plans.push({ row: row.row, plan: mapped.plan, issues: mapped.issues, words });
      // Keyed, because the content of a row could be guessed from a plain hash.
      const content = keyedDigest(key, [planHash(mapped.plan)]);
      const [patient, ...others] = mapped.plan.identityKeys;
      return {
        row: row.row,
        state: 'pending',
        issues: [],
        patient,
        content,
        ...(others.length === 0 ? {} : { others }),
      };
    });
    if (unknown.length > 0) await this.words.addToInbox(importId, unknown);
    await this.database.transaction(async (transaction) => {
      await this.chunks.insert(transaction, importId, chunk, rows, plans);
      await transaction.execute(sql`
        insert into import_rows (import_id, row, chunk, state, patient, content, issues, others)
        select ${importId}, row, ${chunk}, state, patient, content, issues, others
        from jsonb_to_recordset(${JSON.stringify(facts)}::jsonb)
          as given (row int, state text, patient text, content text, issues jsonb, others text[])`);
    });
  }

  /** Queues the chunks unless the import was cancelled meanwhile. */
  private async queueChunks(
    record: ImportRecord,
    { document }: StoredMapping,
    shape: CsvShape,
    { rows: rowsTotal, chunks }: Counted,
  ): Promise<boolean> {
    const run = record.run + 1;
    const queued = await this.database.transaction(async (transaction) => {
      await withLongStatementTimeout(transaction);
      const inspecting = and(eq(imports.id, record.id), eq(imports.status, 'inspecting'));
      const [still] = await transaction.select().from(imports).where(inspecting).for('update');
      if (still === undefined) return false;
      await this.duplicates.settle(transaction, record.id, document.policies.duplicate_in_file);
      await this.rows.recount(transaction, record.id);
      await transaction
        .update(imports)
        .set({ status: 'queued', source: sourceOf(shape), rowsTotal, run })
        .where(eq(imports.id, record.id));
      const jobs = Array.from({ length: chunks }, (_, chunk) => ({ import_id: record.id, chunk, run }));
      const priority = chunks <= SMALL_CHUNKS ? 1 : 0;
      await this.queue.add('import-chunk', jobs, transaction, { priority });
      return true;
    });
    if (queued) await this.imports.tell(record.id);
    return queued;
  }

  private async lookAgain(record: ImportRecord, missed: number): Promise<void> {
    if (missed >= MOST_MISSED) return this.imports.fail(record.id, 'file-lost');
    const job = { import_id: record.id, missed: missed + 1 };
    await this.database.transaction((transaction) =>
      this.queue.add('import-inspect', [job], transaction, { afterSeconds: LOOK_AGAIN_SECONDS }),
    );
  }
}

interface Counted {
  readonly rows: number;
  readonly chunks: number;
}
