import { Inject, Injectable } from '@nestjs/common';
import { and, eq } from 'drizzle-orm';
import { BACKGROUND_DATABASE, type Database } from '../../database/database.module.js';
import { importChunks, importRows } from '../../database/schema.records.js';
import type { WaitingWord } from '../../mapping/row.plan.js';
import { BundleWriter, type WriteOptions } from '../writing/bundle.writer.js';
import type { ChunkPlans } from '../writing/chunk.plans.js';
import { ChunkStore, type StoredChunk } from '../writing/chunk.store.js';
import type { CsvRow } from '../../csv/csv.reader.js';
import { IdentityReviews } from '../writing/identity.reviews.js';
import { Imports, type ImportRecord } from './imports.service.js';
import { MappingContexts } from './mapping.contexts.js';
import { Mappings } from './mappings.service.js';
import { MergedRows } from '../writing/merged.rows.js';
import { Provenances } from '../writing/provenance.service.js';
import type { PlannedRow } from '../writing/row.decision.js';
import type { RowMapper } from '../writing/row.mapper.js';
import { type StoredRowOutcome, RowStore } from '../writing/row.store.js';
import { readSent, type Sent } from '../writing/sent.rows.js';
import { Words } from '../../terms/words.service.js';

const BUNDLE = 50;
const ACTIVE = new Set(['queued', 'running']);

/** `done`: every row of the chunk has an outcome. `stopped`: the import was cancelled, has failed or was started again. */
export type ChunkEnd = 'done' | 'stopped';

/** A rejected row with its unknown words. */
type RejectedRow = StoredRowOutcome & { readonly unknown: readonly WaitingWord[] };

/** Writes the pending rows of one chunk, bundle by bundle. Rows with an outcome are not written again. */
@Injectable()
export class Chunks {
  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly imports: Imports,
    private readonly mappings: Mappings,
    private readonly words: Words,
    private readonly writer: BundleWriter,
    private readonly rows: RowStore,
    private readonly provenances: Provenances,
    private readonly merged: MergedRows,
    private readonly contexts: MappingContexts,
    private readonly chunks: ChunkStore,
    private readonly reviews: IdentityReviews,
  ) {}

  /** Processes a chunk. Stops between bundles when the import was cancelled. Throws when the signal is aborted. */
  async process(importId: string, chunk: number, signal: AbortSignal): Promise<ChunkEnd> {
    const record = await this.imports.get(importId);
    const mapping = await this.mappings.ofImport(record);
    const mapper = await this.contexts.mapper(record);
    const stored = await this.chunks.open(importId, chunk);
    const rows = await this.pending(importId, chunk, stored);
    const sent = readSent(stored.sent);
    const words = new Map<number, readonly WaitingWord[]>();
    const save = async (outcomes: readonly StoredRowOutcome[]) => {
      if (outcomes.length === 0) return;
      const unknown = outcomes.map(({ row, state }) => {
        return { row, words: words.get(row) ?? [], waits: state === 'waiting' };
      });
      // In the first run, the inbox has no entries for these rows yet, so it is updated only if a row has unknown words.
      if (record.run > 1 || unknown.some((one) => one.words.length > 0))
        await this.words.addToInbox(importId, unknown);
      await this.rows.save(importId, chunk, outcomes, record.mode === 'commit');
    };
    const options: WriteOptions = {
      importId,
      send: record.mode === 'commit',
      policy: mapping.document.policies.patient,
      corrections: record.corrections,
      key: mapper.key,
      joined: await this.reviews.joined(),
      signal,
      sent,
      recordSent: () => this.recordSent(importId, chunk, sent),
      isActive: () => this.isActive(record),
      save,
    };
    // Map one bundle at a time. The plans of a whole chunk would survive several garbage collections and slow them down.
    for (let at = 0; at < rows.length; at += BUNDLE) {
      signal.throwIfAborted();
      words.clear();
      const { ready, rejected } = await plan(rows.slice(at, at + BUNDLE), stored.plans, mapper);
      for (const { row, unknown } of rejected) words.set(row, unknown);
      await save(rejected);
      const planned = await this.merged.merge(importId, ready, mapper);
      for (const one of planned) words.set(one.row, one.plan.waiting);
      if (planned.length > 0 && !(await this.writer.write(planned, options))) return 'stopped';
    }
    if (options.send) await this.provenances.write(record, mapping, chunk, signal);
    return 'done';
  }

  /** The rows of a chunk that have no outcome yet. */
  private async pending(importId: string, chunk: number, { rows }: StoredChunk): Promise<CsvRow[]> {
    const found = await this.database
      .select({ row: importRows.row })
      .from(importRows)
      .where(
        and(eq(importRows.importId, importId), eq(importRows.chunk, chunk), eq(importRows.state, 'pending')),
      );
    const pending = new Set(found.map(({ row }) => row));
    return rows.filter(({ row }) => pending.has(row));
  }

  /** Whether the run is the current run of the import, and the import is queued or running. */
  private async isActive({ id, run }: ImportRecord): Promise<boolean> {
    const now = await this.imports.get(id);
    return now.run === run && ACTIVE.has(now.status);
  }

  private async recordSent(
    importId: string,
    chunk: number,
    sent: ReadonlyMap<number, readonly Sent[]>,
  ): Promise<void> {
    await this.database
      .update(importChunks)
      .set({ sent: Object.fromEntries(sent) })
      .where(and(eq(importChunks.importId, importId), eq(importChunks.chunk, chunk)));
  }
}

async function plan(
  rows: readonly CsvRow[],
  plans: ChunkPlans,
  mapper: RowMapper,
): Promise<{ ready: PlannedRow[]; rejected: RejectedRow[] }> {
  const ready: PlannedRow[] = [];
  const rejected: RejectedRow[] = [];
  for (const read of rows) {
    const { row } = read;
    const mapped = await mapper.outcomeOf(read, plans);
    if (mapped.outcome === 'planned') ready.push({ row, plan: mapped.plan, issues: mapped.issues });
    else rejected.push({ row, ...mapped, state: 'rejected', changes: [], writes: [] });
  }
  return { ready, rejected };
}
