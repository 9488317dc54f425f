import { Inject, Injectable } from '@nestjs/common';
import { and, asc, eq, gt, inArray, isNull, type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import { BACKGROUND_DATABASE, type Database } from '../database/database.module.js';
import { instances, series } from '../database/schema.catalog.js';
import { type ArchivedFile, OrthancApi } from '../orthanc/orthanc.api.js';
import { NotInArchive } from '../orthanc/orthanc.errors.js';
import { OrthancId } from '../orthanc/orthanc.id.js';
import { UpstreamFailed } from '../problems/errors.js';
import { DeletionSync } from './deletion.sync.service.js';
import { describeRequests } from '../catalog/descriptions.js';
import { InstanceReader } from './instance.reader.service.js';
import { type Renewal, refreshDescriptions } from './description.refresh.js';
import type { RequestedStep } from '../dicom/requested.steps.js';
import { withRetries } from '../catalog/retrying.js';

const Row = z.object({
  id: z.number(),
  orthancId: OrthancId,
  size: z.number().nullable(),
  fileUuid: z.string().nullable(),
});
/** An instance's row as it was seen. */
export type HeldInstance = Readonly<z.infer<typeof Row>>;

/** What comparing rows with the archive came to; `anew`: what is no longer what its row said, and is taken up like a newcomer. */
export interface Compared {
  readonly removed: number;
  readonly refreshed: number;
  readonly anew: readonly OrthancId[];
}

const FirstOfSeries = z.object({ series: z.coerce.number(), id: z.coerce.number(), orthancId: OrthancId });
/** A series' first instance. */
export type FirstOfSeries = z.infer<typeof FirstOfSeries>;

const PAGE = 500;

/** Holds rows of the catalog against the archive's files: gone, replaced by others under the same identifiers, or as they were. */
@Injectable()
export class ArchiveDiff {
  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly api: OrthancApi,
    private readonly originals: InstanceReader,
    private readonly departures: DeletionSync,
  ) {}

  /** The rows of these Orthanc ids. */
  async among(ids: readonly OrthancId[]): Promise<HeldInstance[]> {
    return ids.length === 0 ? [] : this.rows(inArray(instances.orthancId, [...ids]));
  }

  /** The rows of these series of the catalog. */
  below(ids: readonly number[]): Promise<HeldInstance[]> {
    return this.rows(inArray(instances.series, [...ids]));
  }

  /** A page of all rows, in the order of their ids, after one of them. */
  page(after: number, limit: number): Promise<HeldInstance[]> {
    return this.rows(gt(instances.id, after), limit);
  }

  private async rows(where: SQL, limit?: number): Promise<HeldInstance[]> {
    const query = this.database.select(SEEN).from(instances).where(where).orderBy(asc(instances.id));
    const rows = await (limit === undefined ? query : query.limit(limit));
    return z.array(Row).parse(rows);
  }

  /** Compares these rows, some hundreds at a time. */
  async compare(rows: readonly HeldInstance[]): Promise<Compared> {
    const found = { removed: 0, refreshed: 0, anew: new Array<OrthancId>() };
    for (let at = 0; at < rows.length; at += PAGE) {
      const page = rows.slice(at, at + PAGE);
      const files = await this.api.filesOf(page.map(({ orthancId }) => orthancId));
      const absent = page.filter(({ orthancId }) => !files.has(orthancId));
      found.removed += await this.removeAbsent(absent);
      await this.learn(page, files);
      for (const row of page) {
        if (!isReplaced(row, files.get(row.orthancId))) continue;
        found.refreshed += 1;
        if ((await this.reread(row)) === 'other') found.anew.push(row.orthancId);
      }
    }
    return found;
  }

  /** Notes what those of these series were requested by of which that was never read: they are older than that the catalog holds it. */
  async learnRequests(ids: readonly number[]): Promise<void> {
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

  /** What left the archive, or is not to be read, the comparison finds. */
  private async requestsOf(id: OrthancId): Promise<readonly RequestedStep[] | undefined> {
    try {
      return await this.originals.requestsOf(id);
    } catch (error) {
      if (error instanceof UpstreamFailed) return undefined;
      throw error;
    }
  }

  /** Reads a row's file again. `other`: the row is gone, and what its file is now is to be taken up like a newcomer. */
  async reread(row: Pick<HeldInstance, 'id' | 'orthancId'>): Promise<Renewal> {
    const renewal = await this.renewal(row);
    if (renewal === 'other') await this.departures.removeInstance(row.id);
    return renewal;
  }

  /** The first instance of each of a page of series, in the order of the series' ids, after one of them. */
  async firstBelow(after: number, limit: number): Promise<FirstOfSeries[]> {
    const rows = await this.database.execute(sql`
      select e.id as series, i.id, i.orthanc_id as "orthancId"
      from (select id from series where id > ${after} and exists (select from instances where series = series.id)
        order by id limit ${limit}) e
      join lateral (select id, orthanc_id from instances where series = e.id order by id limit 1) i on true
      order by e.id`);
    return z.array(FirstOfSeries).parse([...rows]);
  }

  private async renewal({ id, orthancId }: Pick<HeldInstance, 'id' | 'orthancId'>): Promise<Renewal> {
    try {
      const { facts, ...file } = await this.originals.read(orthancId);
      return await withRetries(() =>
        this.database.transaction((tx) => refreshDescriptions(tx, id, facts, file)),
      );
    } catch (error) {
      if (error instanceof NotInArchive) return 'gone';
      if (!(error instanceof UpstreamFailed)) throw error;
      // Another file that cannot be read, or has no identifiers that hold, is not what its row says. The same file is.
      return (await this.isSameFile(id, orthancId)) ? 'same' : 'other';
    }
  }

  private async isSameFile(id: number, orthancId: OrthancId): Promise<boolean> {
    const [row] = await this.rows(eq(instances.id, id));
    const file = (await this.api.filesOf([orthancId])).get(orthancId);
    return row !== undefined && row.fileUuid !== null && row.fileUuid === file?.uuid;
  }

  /** Each is asked for once more before it goes. */
  private async removeAbsent(rows: readonly HeldInstance[]): Promise<number> {
    const again = await this.api.filesOf(rows.map(({ orthancId }) => orthancId));
    const gone = rows.filter(({ orthancId }) => !again.has(orthancId));
    for (const { id } of gone) await this.departures.removeInstance(id);
    return gone.length;
  }

  /** Notes which file each is of those whose file is seen for the first time. */
  private async learn(
    rows: readonly HeldInstance[],
    files: ReadonlyMap<OrthancId, ArchivedFile>,
  ): Promise<void> {
    const first = rows.filter((row) => row.fileUuid === null && !isReplaced(row, files.get(row.orthancId)));
    const uuids = first.flatMap(({ id, orthancId }) => {
      const file = files.get(orthancId);
      return file === undefined ? [] : [{ id, uuid: file.uuid }];
    });
    if (uuids.length === 0) return;
    await this.database.execute(sql`
      update instances set file_uuid = seen.uuid
      from unnest(${sql.param(uuids.map(({ id }) => id))}::bigint[], ${sql.param(uuids.map(({ uuid }) => uuid))}::text[])
        as seen (id, uuid)
      where instances.id = seen.id and instances.file_uuid is null`);
  }
}

const SEEN = {
  id: instances.id,
  orthancId: instances.orthancId,
  size: instances.size,
  fileUuid: instances.fileUuid,
};

/** Whether the archive's file is another than the row was made from; where that was not noted, by its size and by what Orthanc says it was made from. */
function isReplaced(row: HeldInstance, file: ArchivedFile | undefined): boolean {
  if (file === undefined) return false;
  if (row.fileUuid !== null) return row.fileUuid !== file.uuid;
  return (row.size !== null && row.size !== file.size) || file.metadata['ModifiedFrom'] !== undefined;
}
