import { Inject, Injectable } from '@nestjs/common';
import { and, asc, eq, gt, inArray, isNull, type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import { BACKGROUND_DATABASE, type Database } from '../database/database.module.js';
import { instances, rejectedInstances, series } from '../database/schema.catalog.js';
import { type ArchivedFile, OrthancApi } from '../orthanc/orthanc.api.js';
import { NotInArchive } from '../orthanc/orthanc.errors.js';
import { OrthancId } from '../orthanc/orthanc.id.js';
import { UpstreamFailed } from '../problems/errors.js';
import { DeletionSync } from './deletion.sync.service.js';
import { describeRequests } from '../catalog/descriptions.js';
import { InstanceReader } from './instance.reader.service.js';
import { type RefreshOutcome, refreshDescriptions } from './description.refresh.js';
import type { RequestedStep } from '../dicom/requested.steps.js';
import { withRetries } from '../catalog/retrying.js';

const Row = z.object({
  id: z.number(),
  orthancId: OrthancId,
  size: z.number().nullable(),
  fileUuid: z.string().nullable(),
});
/** A row of the table `instances`, with the values at the time of reading. */
export type InstanceRow = Readonly<z.infer<typeof Row>>;

/**
 * The result of comparing rows with the archive. `replaced` lists the rows whose file now contains another instance. The caller ingests
 * these files again.
 */
export interface DiffResult {
  readonly removed: number;
  readonly refreshed: number;
  readonly replaced: readonly OrthancId[];
}

const FirstOfSeries = z.object({ series: z.coerce.number(), id: z.coerce.number(), orthancId: OrthancId });
/** The first instance of a series in the catalog. */
export type FirstOfSeries = z.infer<typeof FirstOfSeries>;

const PAGE = 500;

/** Compares rows of the catalog with the files in the archive. A file can be missing, replaced or unchanged. */
@Injectable()
export class ArchiveDiff {
  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly api: OrthancApi,
    private readonly reader: InstanceReader,
    private readonly deletionSync: DeletionSync,
  ) {}

  /** Returns the rows with these Orthanc ids. */
  async rowsOf(ids: readonly OrthancId[]): Promise<InstanceRow[]> {
    return ids.length === 0 ? [] : this.select(inArray(instances.orthancId, [...ids]));
  }

  /** Returns the rows of all instances in these series of the catalog. */
  rowsOfSeries(ids: readonly number[]): Promise<InstanceRow[]> {
    return this.select(inArray(instances.series, [...ids]));
  }

  /** Returns at most `limit` rows with an id greater than `after`, ordered by id. */
  rowsAfter(after: number, limit: number): Promise<InstanceRow[]> {
    return this.select(gt(instances.id, after), limit);
  }

  private async select(where: SQL, limit?: number): Promise<InstanceRow[]> {
    const query = this.database.select(COLUMNS).from(instances).where(where).orderBy(asc(instances.id));
    const rows = await (limit === undefined ? query : query.limit(limit));
    return z.array(Row).parse(rows);
  }

  /** Compares these rows with the archive in pages of {@link PAGE} rows. */
  async compare(rows: readonly InstanceRow[]): Promise<DiffResult> {
    const found = { removed: 0, refreshed: 0, replaced: new Array<OrthancId>() };
    for (let at = 0; at < rows.length; at += PAGE) {
      const page = rows.slice(at, at + PAGE);
      const files = await this.api.filesOf(page.map(({ orthancId }) => orthancId));
      const missing = page.filter(({ orthancId }) => !files.has(orthancId));
      found.removed += await this.removeMissing(missing);
      await this.noteFiles(page, files);
      for (const row of page) {
        if (!isReplaced(row, files.get(row.orthancId))) continue;
        found.refreshed += 1;
        if ((await this.reread(row)) === 'replaced') found.replaced.push(row.orthancId);
      }
    }
    return found;
  }

  /**
   * Removes the rejected instances of these series that are no longer in the archive. Returns their number. Their content is not compared,
   * because nobody can read them. A later sweep compares it if they are restored.
   */
  async dropMissingRejected(ids: readonly number[]): Promise<number> {
    const rows = await this.database
      .select({ id: rejectedInstances.id, orthancId: rejectedInstances.orthancId, study: series.study })
      .from(rejectedInstances)
      .innerJoin(series, eq(series.id, rejectedInstances.series))
      .where(inArray(rejectedInstances.series, [...ids]));
    let dropped = 0;
    for (let at = 0; at < rows.length; at += PAGE) {
      const page = rows
        .slice(at, at + PAGE)
        .map((row) => Object.assign(row, { orthancId: OrthancId.parse(row.orthancId) }));
      const files = await this.api.filesOf(
        page.map(({ orthancId }) => orthancId),
        false,
      );
      for (const { id, study, orthancId } of page.filter((row) => !files.has(row.orthancId))) {
        if (await this.api.holds('instances', orthancId)) continue;
        await this.deletionSync.dropRejected(study, [id]);
        dropped += 1;
      }
    }
    return dropped;
  }

  /** Saves missing items of Request Attributes Sequence for these series. Earlier versions of the gateway did not save these items. */
  async noteRequests(ids: readonly number[]): Promise<void> {
    if (ids.length === 0) return;
    const rows = await this.database.execute(sql`
      select e.id as series, i.id, i.orthanc_id as "orthancId" from series e
      join lateral (select id, orthanc_id from instances where series = e.id order by id limit 1) i on true
      where e.id = any(${sql.param(ids)}::bigint[]) and e.request_steps is null`);
    for (const { series: id, orthancId } of z.array(FirstOfSeries).parse([...rows])) {
      const requests = await this.requestsOf(orthancId);
      if (requests === undefined) continue;
      await this.database
        .update(series)
        .set(describeRequests(requests))
        .where(and(eq(series.id, id), isNull(series.requestSteps)));
    }
  }

  /** Returns `undefined` if the instance is missing or unreadable. {@link compare} handles these instances. */
  private async requestsOf(id: OrthancId): Promise<readonly RequestedStep[] | undefined> {
    try {
      return await this.reader.requestsOf(id);
    } catch (error) {
      if (error instanceof UpstreamFailed) return undefined;
      throw error;
    }
  }

  /**
   * Reads the file of a row again and updates the row. If the outcome is `replaced`, the row was removed, and the caller must ingest the
   * file as a new instance.
   */
  async reread(row: Pick<InstanceRow, 'id' | 'orthancId'>): Promise<RefreshOutcome> {
    const outcome = await this.refresh(row);
    if (outcome === 'replaced') await this.deletionSync.removeInstance(row.id);
    return outcome;
  }

  /** Returns the first instance of each of the next `limit` series. These series have an id greater than `after` and are ordered by id. */
  async firstOfSeriesAfter(after: number, limit: number): Promise<FirstOfSeries[]> {
    const rows = await this.database.execute(sql`
      select e.id as series, i.id, i.orthanc_id as "orthancId"
      from (select id from series where id > ${after} and exists (select from instances where series = series.id)
        order by id limit ${limit}) e
      join lateral (select id, orthanc_id from instances where series = e.id order by id limit 1) i on true
      order by e.id`);
    return z.array(FirstOfSeries).parse([...rows]);
  }

  private async refresh({ id, orthancId }: Pick<InstanceRow, 'id' | 'orthancId'>): Promise<RefreshOutcome> {
    try {
      const { facts, ...file } = await this.reader.read(orthancId);
      return await withRetries(() =>
        this.database.transaction((tx) => refreshDescriptions(tx, id, facts, file)),
      );
    } catch (error) {
      if (error instanceof NotInArchive) return 'gone';
      if (!(error instanceof UpstreamFailed)) throw error;
      // The file is unreadable. A row that was made from this file is kept. A row that was made from another file is removed.
      return (await this.isSameFile(id, orthancId)) ? 'same' : 'replaced';
    }
  }

  private async isSameFile(id: number, orthancId: OrthancId): Promise<boolean> {
    const [row] = await this.select(eq(instances.id, id));
    const file = (await this.api.filesOf([orthancId])).get(orthancId);
    return row !== undefined && row.fileUuid !== null && row.fileUuid === file?.uuid;
  }

  /**
   * Asks Orthanc for these instances a second time, and removes the rows of the instances that are still missing. Returns the number of
   * removed rows.
   */
  private async removeMissing(rows: readonly InstanceRow[]): Promise<number> {
    const again = await this.api.filesOf(rows.map(({ orthancId }) => orthancId));
    const gone = rows.filter(({ orthancId }) => !again.has(orthancId));
    for (const { id } of gone) await this.deletionSync.removeInstance(id);
    return gone.length;
  }

  /** Saves the UUID of the file for each row that has no UUID yet. */
  private async noteFiles(
    rows: readonly InstanceRow[],
    files: ReadonlyMap<OrthancId, ArchivedFile>,
  ): Promise<void> {
    const first = rows.filter((row) => row.fileUuid === null && !isReplaced(row, files.get(row.orthancId)));
    const uuids = first.flatMap(({ id, orthancId }) => {
      const file = files.get(orthancId);
      return file === undefined ? [] : [{ id, uuid: file.uuid }];
    });
    if (uuids.length === 0) return;
    await this.database.execute(sql`
      update instances set file_uuid = files.uuid
      from unnest(${sql.param(uuids.map(({ id }) => id))}::bigint[], ${sql.param(uuids.map(({ uuid }) => uuid))}::text[])
        as files (id, uuid)
      where instances.id = files.id and instances.file_uuid is null`);
  }
}

const COLUMNS = {
  id: instances.id,
  orthancId: instances.orthancId,
  size: instances.size,
  fileUuid: instances.fileUuid,
};

/**
 * Whether the row was made from a file other than `file`. If the row has no UUID, its size and Orthanc's metadata `ModifiedFrom` decide.
 */
function isReplaced(row: InstanceRow, file: ArchivedFile | undefined): boolean {
  if (file === undefined) return false;
  if (row.fileUuid !== null) return row.fileUuid !== file.uuid;
  return (row.size !== null && row.size !== file.size) || file.metadata['ModifiedFrom'] !== undefined;
}
