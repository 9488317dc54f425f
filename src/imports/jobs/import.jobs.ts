import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { and, eq, inArray, isNotNull, lt } from 'drizzle-orm';
import { z } from 'zod';
import { BACKGROUND_DATABASE, type Database } from '../../database/database.module.js';
import { Queue } from '../../database/queue.js';
import { importChunks, imports } from '../../database/schema.records.js';
import { NotVisible } from '../../problems/errors.js';
import { nameOfError } from '../../problems/handled.errors.js';
import { Words } from '../../terms/words.service.js';
import { Chunks } from './chunk.service.js';
import { ImportControl } from './import.control.js';
import { endOf } from './import.ending.js';
import { Imports } from './imports.service.js';
import { Inspection } from './inspection.service.js';
import { Reruns } from './rerun.service.js';
import { Corrections } from '../writing/correction.service.js';
import { ReviewDecisions } from './review.decisions.js';
import { Undo } from '../writing/undo.service.js';

const Ids = z.object({ import_id: z.uuid() });
const TermIds = z.object({ term: z.uuid() });
const ReviewIds = z.object({ review: z.uuid() });
const InspectIds = Ids.extend({ missed: z.int().default(0) });
const RunIds = Ids.extend({ run: z.int() });
const ChunkIds = RunIds.extend({ chunk: z.int() });
/** The number of chunks that are processed at the same time. HAPI has its highest throughput with two to four connections. */
const CHUNKS_AT_ONCE = 3;
const EVENT_INTERVAL_MS = 1_000;
const RETRY_SECONDS = 600;

/**
 * Runs the jobs of imports: inspection, chunks, reruns and undo. A job that runs twice, for example after a crash, gives the same result.
 */
@Injectable()
export class ImportJobs implements OnApplicationBootstrap {
  private readonly logger = new Logger('imports');
  private readonly lastEvents = new Map<string, number>();

  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly queue: Queue,
    private readonly imports: Imports,
    private readonly inspection: Inspection,
    private readonly chunks: Chunks,
    private readonly undo: Undo,
    private readonly reruns: Reruns,
    private readonly control: ImportControl,
    private readonly words: Words,
    private readonly corrections: Corrections,
    private readonly reviews: ReviewDecisions,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.queue.work('import-inspect', 1, (data, signal) =>
      this.ifExists(() => {
        const { import_id, missed } = InspectIds.parse(data);
        return this.inspection.inspect(import_id, missed, signal);
      }),
    );
    await this.queue.work('import-again', 1, (data) =>
      this.ifExists(() => {
        const { import_id, run } = RunIds.parse(data);
        return this.reruns.begin(import_id, run);
      }),
    );
    await this.queue.work('import-chunk', CHUNKS_AT_ONCE, (data, signal) =>
      this.ifExists(() => this.chunk(ChunkIds.parse(data), signal)),
    );
    await this.queue.work('import-undo', 1, (data, signal) =>
      this.ifExists(() => this.undo.run(Ids.parse(data).import_id, signal)),
    );
    await this.queue.work('term-decided', 1, (data) =>
      this.ifExists(() => this.control.rerunWaitingFor(TermIds.parse(data).term)),
    );
    await this.queue.work('term-corrected', 1, (data, signal) =>
      this.ifExists(() => this.corrections.run(TermIds.parse(data).term, signal)),
    );
    await this.queue.work('review-decided', 1, (data, signal) =>
      this.ifExists(() => this.reviews.apply(ReviewIds.parse(data).review, signal)),
    );
    await this.queue.workDead((data) =>
      this.ifExists(async () => {
        await this.giveUp(Ids.safeParse(data).data?.import_id);
        await this.retryDecision('term', TermIds.safeParse(data).data?.term);
        await this.retryDecision('review', ReviewIds.safeParse(data).data?.review);
      }),
    );
  }

  private async chunk(
    { import_id, chunk, run }: z.infer<typeof ChunkIds>,
    signal: AbortSignal,
  ): Promise<void> {
    const record = await this.imports.get(import_id);
    if (record.run !== run || !['queued', 'running'].includes(record.status)) return;
    await this.database
      .update(imports)
      .set({ status: 'running' })
      .where(and(eq(imports.id, import_id), eq(imports.status, 'queued')));
    if ((await this.chunks.process(import_id, chunk, signal)) === 'stopped') return;
    const ended = await this.finish(import_id, chunk, run);
    if (ended || Date.now() - (this.lastEvents.get(import_id) ?? 0) >= EVENT_INTERVAL_MS)
      await this.addEvent(import_id, ended);
  }

  /** Adds a progress event. An event needs the counts of all chunks, so a long list does not get an event for each of its chunks. */
  private async addEvent(importId: string, ended: boolean): Promise<void> {
    if (ended) this.lastEvents.delete(importId);
    else this.lastEvents.set(importId, Date.now());
    await this.imports.addEvent(importId);
  }

  /**
   * Marks a chunk as done. After the last chunk, sets the final status of the import and returns true. The row lock on the import ensures
   * that exactly one chunk counts as the last chunk.
   */
  private async finish(importId: string, chunk: number, run: number): Promise<boolean> {
    return this.database.transaction(async (transaction) => {
      const [record] = await transaction.select().from(imports).where(eq(imports.id, importId)).for('update');
      // A rehearsed chunk keeps its plans for the commit.
      const plans = record?.mode === 'rehearse' ? {} : { plans: null };
      await transaction
        .update(importChunks)
        .set({ runDone: run, sent: {}, ...plans })
        .where(
          and(
            eq(importChunks.importId, importId),
            eq(importChunks.chunk, chunk),
            lt(importChunks.runDone, run),
          ),
        );
      const left = await transaction.$count(
        importChunks,
        and(eq(importChunks.importId, importId), lt(importChunks.runDone, run)),
      );
      if (left > 0 || record?.run !== run || record.status !== 'running') return false;
      const status = await endOf(transaction, record);
      await transaction
        .update(imports)
        .set({ status, finishedAt: new Date() })
        .where(eq(imports.id, importId));
      const decided = await this.words.decidedDuringRun(importId, transaction);
      await this.queue.add(
        'term-decided',
        decided.map((term) => ({ term })),
        transaction,
      );
      const corrected = await this.words.correctedDuringRun(importId, transaction);
      await this.queue.add(
        'term-corrected',
        corrected.map((term) => ({ term })),
        transaction,
      );
      await this.reviews.queueDecided(importId, transaction);
      return true;
    });
  }

  /** Handles a job that failed too often: the import fails, and a person can retry it. An undo is retried automatically. */
  private async giveUp(importId: string | undefined): Promise<void> {
    if (importId === undefined) return;
    this.logger.error(`import ${importId} failed: one of its jobs failed too often`);
    await this.database
      .update(imports)
      .set({
        status: 'failed',
        failure: 'internal',
        failureColumns: [],
        sameness: null,
        finishedAt: new Date(),
      })
      .where(and(eq(imports.id, importId), inArray(imports.status, ['inspecting', 'queued', 'running'])));
    await this.database.transaction(async (transaction) => {
      // Other imports no longer wait for a stuck undo. The undo will not change the patients that these imports write in the meantime
      // (`ImportDependencies`).
      const stuck = await transaction
        .update(imports)
        .set({ undoing: 'stuck' })
        .where(and(eq(imports.id, importId), isNotNull(imports.undoing)))
        .returning();
      const jobs = stuck.map(({ id }) => ({ import_id: id }));
      await this.queue.add('import-undo', jobs, transaction, { afterSeconds: RETRY_SECONDS });
    });
    await this.imports.addEvent(importId);
  }

  /**
   * Queues the jobs of a decision again. Otherwise the rows that wait for the decision would wait forever, and records would keep an old
   * decision. The jobs do nothing when no work is left.
   */
  private async retryDecision(kind: 'term' | 'review', id: string | undefined): Promise<void> {
    if (id === undefined) return;
    this.logger.error(`rows that wait for ${kind} ${id} did not run: next attempt in ten minutes`);
    const names =
      kind === 'term' ? (['term-decided', 'term-corrected'] as const) : (['review-decided'] as const);
    await this.database.transaction(async (transaction) => {
      for (const name of names)
        await this.queue.add(name, [{ [kind]: id }], transaction, { afterSeconds: RETRY_SECONDS });
    });
  }

  private async ifExists(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof NotVisible) return;
      // The error message can contain data of a row, so only the name and the code of its cause are logged.
      if (error instanceof Error && error.name !== 'AbortError')
        this.logger.warn(`a job failed and is retried: ${nameOfError(error)}`);
      throw new JobFailed();
    }
  }
}

/** The error of a failed job, without details. The queue stores this error, so it must not contain data of a row. */
class JobFailed extends Error {
  constructor() {
    super('the job is retried');
  }
}
