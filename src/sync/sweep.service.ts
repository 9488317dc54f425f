import { Inject, Injectable, Logger } from '@nestjs/common';
import { and, asc, gt, inArray, isNotNull, type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import { BACKGROUND_DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { series } from '../database/schema.catalog.js';
import { OrthancApi } from '../orthanc/orthanc.api.js';
import { OrthancId } from '../orthanc/orthanc.id.js';
import { Ingest } from './ingest.service.js';
import { mendCounts } from './counting.js';
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
/** What a walk found: instances `checked`; `adopted` from the archive, `removed` from the catalog, `refreshed` because their file is another; studies `repaired`, whose counts were wrong. */
export type Tally = z.infer<typeof Tally>;

/** A slice's findings, and where the next one begins; `undefined` at the end of a phase. */
interface Slice {
  readonly next: number | undefined;
  readonly found: Partial<Tally>;
}

/** Takes up instances that the catalog does not hold. */
export type Take = (ids: readonly OrthancId[]) => Promise<void>;

/** A slice is so many series, of so many instances when these are not all in one. */
const SERIES = 100;
const INSTANCES = 2000;
const LISTED = 500;
const ASKED = 50;
const STUDIES = 500;
const NEXT = { catalog: 'archive', archive: 'counts', counts: 'catalog' } as const;

/**
 * Walks through everything (design.md, decision 12), slice by slice: what each series of the catalog holds in the archive, then what
 * series the archive has beside those, then the counts. Where it stands is kept in the database, so that it goes on after a restart;
 * a slice that was cut off is done again. Nothing is held in memory but a slice.
 */
@Injectable()
export class Sweep {
  private readonly logger = new Logger('sweep');

  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly api: OrthancApi,
    private readonly arrivals: Ingest,
    private readonly holdings: ArchiveDiff,
  ) {}

  /** Whether catalog and archive are known to differ, so that it should not rest. */
  async isHurried(): Promise<boolean> {
    return (await this.state()).hurried;
  }

  /** Begins anew, and hurries; one that hurries already goes on. */
  async hurry(): Promise<void> {
    await beginAnew(this.database, sql`not hurried`);
  }

  /** Does the next slice; true when it was the last one of a walk. */
  async step(take: Take): Promise<boolean> {
    const state = await this.state();
    const { next, found } = await this.slice(state, take);
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

  private slice(state: State, take: Take): Promise<Slice> {
    switch (state.phase) {
      case 'catalog':
        return this.ofCatalog(state.position, take);
      case 'archive':
        return this.ofArchive(state.position, take);
      case 'counts':
        return this.ofCounts(state.position);
    }
  }

  private async ofCatalog(after: number, take: Take): Promise<Slice> {
    const page = await this.seriesAfter(after);
    const last = page.at(-1);
    if (last === undefined) return { next: undefined, found: {} };
    const held = await this.holdings.below(page.map(({ id }) => id));
    const there = await this.api.instancesOf(page.map(({ orthancId }) => orthancId));
    const known = new Set(held.map(({ orthancId }) => orthancId));
    const beside = [...there.values()].flat().filter((id) => !known.has(id));
    const unknown = await this.arrivals.unknownOf(beside);
    const { removed, refreshed, anew } = await this.holdings.compare(held);
    await take([...unknown, ...anew]);
    await this.holdings.learnRequests(page.map(({ id }) => id));
    const found = { checked: held.length, adopted: unknown.length, removed, refreshed };
    return { next: last.id, found };
  }

  private async ofArchive(since: number, take: Take): Promise<Slice> {
    const listed = await this.api.page('series', since, LISTED);
    const rows = await this.database
      .select({ orthancId: series.orthancId })
      .from(series)
      .where(inArray(series.orthancId, listed));
    const known = new Set<string | null>(rows.map(({ orthancId }) => orthancId));
    const others = listed.filter((id) => !known.has(id));
    let adopted = 0;
    for (let at = 0; at < others.length; at += ASKED) {
      const there = await this.api.instancesOf(others.slice(at, at + ASKED));
      const unknown = await this.arrivals.unknownOf([...there.values()].flat());
      await take(unknown);
      adopted += unknown.length;
    }
    return { next: listed.length < LISTED ? undefined : since + listed.length, found: { adopted } };
  }

  private async ofCounts(after: number): Promise<Slice> {
    const { repaired, upTo } = await mendCounts(this.database, after, STUDIES);
    return { next: upTo, found: { repaired } };
  }

  private async seriesAfter(after: number): Promise<{ id: number; orthancId: OrthancId }[]> {
    const rows = await this.database
      .select({ id: series.id, orthancId: series.orthancId, count: series.instanceCount })
      .from(series)
      .where(and(gt(series.id, after), isNotNull(series.orthancId)))
      .orderBy(asc(series.id))
      .limit(SERIES);
    const page: { id: number; orthancId: OrthancId }[] = [];
    let sum = 0;
    for (const { id, orthancId, count } of rows) {
      sum += count;
      if (page.length > 0 && sum > INSTANCES) break;
      page.push({ id, orthancId: OrthancId.parse(orthancId) });
    }
    return page;
  }

  private async state(): Promise<State> {
    const rows = await this.database.execute(sql`select phase, position, hurried from sweep`);
    return State.parse(rows[0]);
  }

  /** Reports, and begins anew without hurry. */
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
      this.logger.log({ message: 'catalog and archive were brought into agreement', checked, ...found });
  }
}

/** Makes the walk begin anew and hurry, where `when` holds. */
export async function beginAnew(database: Database | Transaction, when: SQL = sql`true`): Promise<void> {
  await database.execute(sql`
    update sweep set phase = 'catalog', position = 0, hurried = true, started_at = clock_timestamp(),
      checked = 0, adopted = 0, removed = 0, refreshed = 0, repaired = 0 where ${when}`);
}
