import { Inject, Injectable, Logger } from '@nestjs/common';
import { type SQL, sql } from 'drizzle-orm';
import { BACKGROUND_DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { archiveCursor } from '../database/schema.catalog.js';
import { OrthancApi } from '../orthanc/orthanc.api.js';
import { Ingest } from './ingest.service.js';
import { ArchiveDiff } from './archive.diff.service.js';
import { restartSweep, type IngestAll } from './sweep.service.js';

const PAGE = 500;

/** Reads Orthanc's change feed. The feed lists new instances, and known instances that were stored again with other content. */
@Injectable()
export class Feed {
  private readonly logger = new Logger('feed');

  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly api: OrthancApi,
    private readonly ingest: Ingest,
    private readonly archiveDiff: ArchiveDiff,
  ) {}

  /**
   * Reads the feed from the saved position and ingests new instances, until the feed ends or `isStopped` returns true. Returns true if
   * Orthanc can have another database, or a database that was restored from a backup. The feed of such a database does not list earlier
   * instances, so an urgent sweep starts.
   */
  async follow(ingestAll: IngestAll, isStopped: () => boolean): Promise<boolean> {
    const { DatabaseServerIdentifier: archive } = await this.api.system();
    const last = (await this.api.lastChange()).Last;
    const [stored] = await this.database.select().from(archiveCursor);
    if (stored === undefined || last < stored.position) {
      await this.startAt(last, archive, sql`true`);
      return true;
    }
    let { position } = stored;
    // Orthanc computes its identifier from the network interfaces, so the same archive can have another identifier when an interface comes or
    // goes. The feed is therefore read on from the saved position. An urgent sweep that already runs is continued.
    const isOther = stored.archive !== archive;
    if (isOther) await this.startAt(position, archive, sql`not hurried`);
    while (position < last && !isStopped()) {
      const page = await this.api.changes(position, PAGE);
      const listed = page.Changes.filter((change) => change.ChangeType === 'NewInstance').map(
        (change) => change.ID,
      );
      await ingestAll(await this.ingest.unknownOf(listed));
      const { replaced } = await this.archiveDiff.compare(await this.archiveDiff.rowsOf(listed));
      await ingestAll(replaced);
      if (page.Last <= position) break;
      position = page.Last;
      await saveCursor(this.database, archive, position);
    }
    return isOther;
  }

  /** Saves the position, and restarts the sweep if the SQL condition `when` is true. */
  private async startAt(position: number, archive: string, when: SQL): Promise<void> {
    this.logger.log(
      'the archive is new, was restored from a backup or has another identifier: comparing it with the whole catalog',
    );
    await this.database.transaction(async (tx) => {
      await restartSweep(tx, when);
      await saveCursor(tx, archive, position);
    });
  }
}

async function saveCursor(
  database: Database | Transaction,
  archive: string,
  position: number,
): Promise<void> {
  await database
    .insert(archiveCursor)
    .values({ archive, position })
    .onConflictDoUpdate({ target: archiveCursor.sole, set: { archive, position } });
}
