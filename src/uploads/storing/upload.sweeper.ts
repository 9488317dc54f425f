import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { and, eq, inArray, lt } from 'drizzle-orm';
import { BACKGROUND_DATABASE, type Database } from '../../database/database.module.js';
import { uploads } from '../../database/schema.uploads.js';
import { HOUR, hourly } from '../../limits/hourly.js';
import { StagedUploads } from './staged.uploads.js';
import { UploadRecords } from './upload.records.js';

const BATCH = 1_000;
const INTERRUPTED = 'The upload was interrupted. Send the file again.';

/** Ends uploads that a crash has interrupted, and removes files that no upload needs. */
@Injectable()
export class UploadSweeper implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('uploads');
  private stop: (() => void) | undefined;

  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly records: UploadRecords,
    private readonly files: StagedUploads,
  ) {}

  onApplicationBootstrap(): void {
    this.stop = hourly(() => this.sweep(), this.logger, 'interrupted uploads were not ended');
  }

  onApplicationShutdown(): void {
    this.stop?.();
  }

  private async sweep(): Promise<void> {
    // An upload of the last hour may still be running.
    const before = new Date(Date.now() - HOUR);
    await this.endInterrupted(before);
    const names = await this.files.untouchedSince(before.getTime());
    for (let at = 0; at < names.length; at += BATCH) await this.removeUnneeded(names.slice(at, at + BATCH));
  }

  /** Sets each interrupted upload to `stored` if the catalog has its instance, and otherwise to `failed`. */
  private async endInterrupted(before: Date): Promise<void> {
    const rows = await this.database
      .select()
      .from(uploads)
      .where(and(eq(uploads.state, 'storing'), lt(uploads.createdAt, before)))
      .limit(BATCH);
    for (const row of rows) {
      const isStored = row.sopUid !== '' && (await this.records.isInCatalog(row));
      await this.records.finish(
        row.id,
        isStored
          ? { state: 'stored', notes: ['Found the stored instance.'] }
          : { state: 'failed', reason: INTERRUPTED, notes: [] },
      );
    }
  }

  private async removeUnneeded(names: readonly string[]): Promise<void> {
    const kept = await this.database
      .select({ original: uploads.original })
      .from(uploads)
      .where(inArray(uploads.original, [...names]));
    const needed = new Set(kept.map(({ original }) => original));
    for (const name of names) if (!needed.has(name)) await this.files.remove(name);
  }
}
