import { Inject, Injectable } from '@nestjs/common';
import { and, eq } from 'drizzle-orm';
import { BACKGROUND_DATABASE, type Database } from '../../database/database.module.js';
import { importChunks, importRows } from '../../database/schema.records.js';
import { Slots } from '../../limits/slots.js';
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
/**
 * The number of bundles of one chunk, and of one gateway, that are processed at the same time. While one bundle is mapped, looked up or
 * stored, the FHIR server works on the others. HAPI has its highest throughput with two to four connections.
 */
const BUNDLES_OF_A_CHUNK = 2;
const BUNDLES_AT_ONCE = 4;
const ACTIVE = new Set(['queued', 'running']);

/** `done`: every row of the chunk has an outcome. `stopped`: the import was cancelled, has failed or was started again. */
export type ChunkEnd = 'done' | 'stopped';

/** A rejected row with its unknown words. */
type RejectedRow = StoredRowOutcome & { readonly unknown: readonly WaitingWord[] };

/** The work on one chunk. */
interface ChunkWork {
  readonly record: ImportRecord;
  readonly chunk: number;
  readonly mapper: RowMapper;
  readonly stored: StoredChunk;
  readonly options: Omit<WriteOptions, 'save'>;
  /** One bundle at a time is mapped, because only one group of stored plans is in memory. */
  readonly mapping: Slots;
  /** One bundle at a time is stored, because the counts of the chunk are counted again with each bundle. */
  readonly storing: Slots;
}

/** Writes the pending rows of one chunk in bundles. Rows with an outcome are not written again. */
@Injectable()
export class Chunks {
  private readonly bundles = new Slots({ places: BUNDLES_AT_ONCE });

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

  /** Processes a chunk. Stops between bundles when the import was cancelled. Throws when the signal is aborted, after all bundles ended. */
  async process(importId: string, chunk: number, signal: AbortSignal): Promise<ChunkEnd> {
    const record = await this.imports.get(importId);
    const mapping = await this.mappings.ofImport(record);
    const mapper = await this.contexts.mapper(record);
    const stored = await this.chunks.open(importId, chunk);
    const rows = await this.pending(importId, chunk, stored);
    const sent = readSent(stored.sent);
    const storing = new Slots({ places: 1 });
    const failed = new AbortController();
    const work: ChunkWork = {
      record,
      chunk,
      mapper,
      stored,
      options: {
        importId,
        send: record.mode === 'commit',
        policy: mapping.document.policies.patient,
        corrections: record.corrections,
        key: mapper.key,
        joined: await this.reviews.joined(),
        signal: AbortSignal.any([signal, failed.signal]),
        sent,
        // One at a time, so that an older state never replaces a newer state.
        recordSent: () => storing.run(() => this.recordSent(importId, chunk, sent)),
        isActive: () => this.isActive(record),
      },
      mapping: new Slots({ places: 1 }),
      storing,
    };
    const parts = bundlesOf(rows).values();
    let isActive = true;
    const worker = async () => {
      for (const part of parts) {
        const write = () => this.writeBundle(part, work);
        if (!isActive) return;
        if (!(await this.bundles.run(write, work.options.signal, importId))) isActive = false;
      }
    };
    const workers = Array.from({ length: BUNDLES_OF_A_CHUNK }, () =>
      worker().catch((error: unknown) => failed.abort(error)),
    );
    // No bundle may still be written when the job ends, because the queue starts a failed job again.
    await Promise.all(workers);
    failed.signal.throwIfAborted();
    if (!isActive) return 'stopped';
    if (work.options.send) await this.provenances.write(record, mapping, chunk, signal);
    return 'done';
  }

  /** Maps, writes and stores the rows of one bundle. Returns false when the import no longer runs. */
  private async writeBundle(rows: readonly CsvRow[], work: ChunkWork): Promise<boolean> {
    const { record, chunk, mapper, stored, options, mapping, storing } = work;
    const words = new Map<number, readonly WaitingWord[]>();
    const save = async (outcomes: readonly StoredRowOutcome[]) => {
      if (outcomes.length === 0) return;
      const unknown = outcomes.map(({ row, state }) => {
        return { row, words: words.get(row) ?? [], waits: state === 'waiting' };
      });
      await storing.run(async () => {
        // In the first run, the inbox has no entries for these rows yet, so it is updated only if a row has unknown words.
        if (record.run > 1 || unknown.some((one) => one.words.length > 0))
          await this.words.addToInbox(record.id, unknown);
        await this.rows.save(record.id, chunk, outcomes, record.mode === 'commit');
      });
    };
    const { ready, rejected } = await mapping.run(() => plan(rows, stored.plans, mapper));
    for (const { row, unknown } of rejected) words.set(row, unknown);
    await save(rejected);
    const planned = await this.merged.merge(record.id, ready, mapper);
    for (const one of planned) words.set(one.row, one.plan.waiting);
    return planned.length === 0 || this.writer.write(planned, { ...options, save });
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

function bundlesOf(rows: readonly CsvRow[]): CsvRow[][] {
  const count = Math.ceil(rows.length / BUNDLE);
  return Array.from({ length: count }, (_, at) => rows.slice(at * BUNDLE, (at + 1) * BUNDLE));
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
