import { Inject, Injectable, Logger } from '@nestjs/common';
import { and, asc, gt, inArray, isNotNull, type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import { BACKGROUND_DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { series } from '../database/schema.catalog.js';
import { OrthancApi } from '../orthanc/orthanc.api.js';
import { OrthancId } from '../orthanc/orthanc.id.js';
import { Ingest } from './ingest.service.js';
import { repairCounts } from './count.repair.js';
import { ArchiveDiff } from './archive.diff.service.js';

const State = z.object({
  phase: z.enum(['catalog', 'archive', 'counts']),
  position: z.coerce.number(),
  hurried: z.boolean(),
});
type State = z.infer<typeof State>;

const Tally = z.object({
  checked: z.coerce.number(),
  adopted: z.coerce.number(),
  removed: z.coerce.number(),
  refreshed: z.coerce.number(),
  repaired: z.coerce.number(),
});
/**
 * Counts of a sweep. `checked`: instances that were compared. `adopted`: instances that were inserted from the archive. `removed`:
 * instances that were removed from the catalog. `refreshed`: instances whose file has changed. `repaired`: studies whose wrong counts were
 * corrected.
 */
export type Tally = z.infer<typeof Tally>;

/** The counts of a slice, and the position of the next slice. `next` is `undefined` at the end of a phase. */
interface Slice {
  readonly next: number | undefined;
  readonly found: Partial<Tally>;
}

/** Inserts instances that the catalog does not have. */
export type IngestAll = (ids: readonly OrthancId[]) => Promise<void>;

/** Limits of a slice. A slice has at most 100 series. A slice with more than one series has at most 2,000 instances. */
const SERIES_PER_SLICE = 100;
const INSTANCES_PER_SLICE = 2000;
const SERIES_PAGE = 500;
const SERIES_PER_CALL = 50;
const STUDIES_PER_SLICE = 500;
const NEXT = { catalog: 'archive', archive: 'counts', counts: 'catalog' } as const;

/**
 * Compares the whole catalog with the whole archive, slice by slice. First it compares each series of the catalog, then the series that
 * only the archive has, then the counts. The position is saved in the database. After a restart, the sweep repeats the interrupted slice
 * and continues. Memory contains only one slice at a time.
 */
@Injectable()
export class Sweep {
  private readonly logger = new Logger('sweep');

  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly api: OrthancApi,
    private readonly ingest: Ingest,
    private readonly archiveDiff: ArchiveDiff,
  ) {}

  /** Whether the catalog and the archive are known to differ. The sweep then runs without pauses. */
  async isUrgent(): Promise<boolean> {
    return (await this.state()).hurried;
  }

  /** Restarts the sweep, which then runs without pauses. A sweep that already runs without pauses is not restarted. */
  async makeUrgent(): Promise<void> {
    await restartSweep(this.database, sql`not hurried`);
  }

  /** Compares the next slice. Returns true if it was the last slice of the sweep. */
  async step(ingestAll: IngestAll): Promise<boolean> {
    const state = await this.state();
    const { next, found } = await this.slice(state, ingestAll);
    const phase = next === undefined ? NEXT[state.phase] : state.phase;
    await this.database.execute(sql`
      update sweep set phase = ${phase}, position = ${next ?? 0},
        checked = checked + ${found.checked ?? 0}, adopted = adopted + ${found.adopted ?? 0},
        removed = removed + ${found.removed ?? 0}, refreshed = refreshed + ${found.refreshed ?? 0},
        repaired = repaired + ${found.repaired ?? 0}
      where phase = ${state.phase} and position = ${state.position}`);
    const isLast = next === undefined && state.phase === 'counts';
    if (isLast) await this.finish();
    return isLast;
  }

  private slice(state: State, ingestAll: IngestAll): Promise<Slice> {
    switch (state.phase) {
      case 'catalog':
        return this.compareCatalog(state.position, ingestAll);
      case 'archive':
        return this.compareArchive(state.position, ingestAll);
      case 'counts':
        return this.compareCounts(state.position);
    }
  }

  private async compareCatalog(after: number, ingestAll: IngestAll): Promise<Slice> {
    const page = await this.seriesAfter(after);
    const last = page.at(-1);
    if (last === undefined) return { next: undefined, found: {} };
    const rows = await this.archiveDiff.rowsOfSeries(page.map(({ id }) => id));
    const archived = await this.api.instancesOf(page.map(({ orthancId }) => orthancId));
    const known = new Set(rows.map(({ orthancId }) => orthancId));
    const others = [...archived.values()].flat().filter((id) => !known.has(id));
    const unknown = await this.ingest.unknownOf(others);
    const { removed, refreshed, replaced } = await this.archiveDiff.compare(rows);
    await ingestAll([...unknown, ...replaced]);
    const seriesIds = page.map(({ id }) => id);
    const dropped = await this.archiveDiff.dropMissingRejected(seriesIds);
    await this.archiveDiff.noteRequests(seriesIds);
    const found = { checked: rows.length, adopted: unknown.length, removed: removed + dropped, refreshed };
    return { next: last.id, found };
  }

  private async compareArchive(since: number, ingestAll: IngestAll): Promise<Slice> {
    const listed = await this.api.page('series', since, SERIES_PAGE);
    const rows = await this.database
      .select({ orthancId: series.orthancId })
      .from(series)
      .where(inArray(series.orthancId, listed));
    const known = new Set<string | null>(rows.map(({ orthancId }) => orthancId));
    const others = listed.filter((id) => !known.has(id));
    let adopted = 0;
    for (let at = 0; at < others.length; at += SERIES_PER_CALL) {
      const archived = await this.api.instancesOf(others.slice(at, at + SERIES_PER_CALL));
      const unknown = await this.ingest.unknownOf([...archived.values()].flat());
      await ingestAll(unknown);
      adopted += unknown.length;
    }
    return { next: listed.length < SERIES_PAGE ? undefined : since + listed.length, found: { adopted } };
  }

  private async compareCounts(after: number): Promise<Slice> {
    const { repaired, upTo } = await repairCounts(this.database, after, STUDIES_PER_SLICE);
    return { next: upTo, found: { repaired } };
  }

  private async seriesAfter(after: number): Promise<{ id: number; orthancId: OrthancId }[]> {
    const rows = await this.database
      .select({ id: series.id, orthancId: series.orthancId, count: series.instanceCount })
      .from(series)
      .where(and(gt(series.id, after), isNotNull(series.orthancId)))
      .orderBy(asc(series.id))
      .limit(SERIES_PER_SLICE);
    const page: { id: number; orthancId: OrthancId }[] = [];
    let sum = 0;
    for (const { id, orthancId, count } of rows) {
      sum += count;
      if (page.length > 0 && sum > INSTANCES_PER_SLICE) break;
      page.push({ id, orthancId: OrthancId.parse(orthancId) });
    }
    return page;
  }

  private async state(): Promise<State> {
    const rows = await this.database.execute(sql`select phase, position, hurried from sweep`);
    return State.parse(rows[0]);
  }

  /** Saves and logs the counts. The next sweep starts with pauses between the slices. */
  private async finish(): Promise<void> {
    const rows = await this.database.execute(sql`
      update sweep set hurried = false, started_at = clock_timestamp(),
        last = to_jsonb(sweep) - array['sole', 'phase', 'position', 'hurried', 'last']
          || jsonb_build_object('finished_at', clock_timestamp()),
        checked = 0, adopted = 0, removed = 0, refreshed = 0, repaired = 0
      returning (last ->> 'checked') as checked, last ->> 'adopted' as adopted, last ->> 'removed' as removed,
        last ->> 'refreshed' as refreshed, last ->> 'repaired' as repaired`);
    const { checked, ...found } = Tally.parse(rows[0]);
    if (Object.values(found).some((count) => count > 0))
      this.logger.log({ message: 'the sweep corrected the catalog', checked, ...found });
  }
}

/** Restarts the sweep if the SQL condition `when` is true. The restarted sweep runs without pauses. */
export async function restartSweep(database: Database | Transaction, when: SQL = sql`true`): Promise<void> {
  await database.execute(sql`
    update sweep set phase = 'catalog', position = 0, hurried = true, started_at = clock_timestamp(),
      checked = 0, adopted = 0, removed = 0, refreshed = 0, repaired = 0 where ${when}`);
}
