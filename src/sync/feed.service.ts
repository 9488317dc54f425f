import { Inject, Injectable, Logger } from '@nestjs/common';
import { BACKGROUND_DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { archiveCursor } from '../database/schema.catalog.js';
import { OrthancApi } from '../orthanc/orthanc.api.js';
import { Ingest } from './ingest.service.js';
import { ArchiveDiff } from './archive.diff.service.js';
import { beginAnew, type Take } from './sweep.service.js';

const PAGE = 500;

/** The archive's feed of changes: what arrived since it was last read, and what is known and came again with other content. */
@Injectable()
export class Feed {
  private readonly logger = new Logger('feed');

  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly api: OrthancApi,
    private readonly arrivals: Ingest,
    private readonly holdings: ArchiveDiff,
  ) {}

  /**
   * Reads on from where it was left, until `isOver`, and has taken up what is new. True when this is another archive, or one restored
   * from a backup: its feed says nothing of what was before, so the walk through everything begins.
   */
  async follow(take: Take, isOver: () => boolean): Promise<boolean> {
    const { DatabaseServerIdentifier: archive } = await this.api.system();
    const last = (await this.api.lastChange()).Last;
    const [stored] = await this.database.select().from(archiveCursor);
    if (stored === undefined || stored.archive !== archive || last < stored.position) {
      this.logger.log('the archive is new to the catalog or was restored: comparing everything');
      await this.database.transaction(async (tx) => {
        await beginAnew(tx);
        await remember(tx, archive, last);
      });
      return true;
    }
    let { position } = stored;
    while (position < last && !isOver()) {
      const page = await this.api.changes(position, PAGE);
      const arrived = page.Changes.filter((change) => change.ChangeType === 'NewInstance').map(
        (change) => change.ID,
      );
      await take(await this.arrivals.unknownOf(arrived));
      const { anew } = await this.holdings.compare(await this.holdings.among(arrived));
      await take(anew);
      if (page.Last <= position) break;
      position = page.Last;
      await remember(this.database, archive, position);
    }
    return false;
  }
}

async function remember(database: Database | Transaction, archive: string, position: number): Promise<void> {
  await database
    .insert(archiveCursor)
    .values({ archive, position })
    .onConflictDoUpdate({ target: archiveCursor.sole, set: { archive, position } });
}
