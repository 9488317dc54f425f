import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { inArray } from 'drizzle-orm';
import { z } from 'zod';
import { BACKGROUND_DATABASE, type Database } from '../../database/database.module.js';
import { imports } from '../../database/schema.records.js';
import { HOUR, hourly } from './hourly.js';
import { StagedFiles } from './staged.files.js';

/** The time that a file is kept for a retry, if its import failed or was cancelled before the end of the inspection. */
const RETENTION = 7 * 24 * HOUR;
const BATCH = 1_000;

/**
 * Deletes uploaded files that are no longer needed. These are files without an import, files whose rows are in the database, and files of
 * imports that failed or were cancelled long ago.
 */
@Injectable()
export class StagedSweeper implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('imports');
  private stop: (() => void) | undefined;

  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly files: StagedFiles,
  ) {}

  onApplicationBootstrap(): void {
    this.stop = hourly(() => this.sweep(), this.logger, 'unneeded uploaded files were not deleted');
  }

  onApplicationShutdown(): void {
    this.stop?.();
  }

  private async sweep(): Promise<void> {
    // A file written in the last hour can belong to a running upload.
    const names = await this.files.untouchedSince(Date.now() - HOUR);
    const ids = names.filter((name) => z.uuid().safeParse(name).success);
    for (let at = 0; at < ids.length; at += BATCH) await this.removeUnneeded(ids.slice(at, at + BATCH));
  }

  private async removeUnneeded(ids: readonly string[]): Promise<void> {
    const { id, source, finishedAt } = imports;
    const known = await this.database
      .select({ id, source, finishedAt })
      .from(imports)
      .where(inArray(id, [...ids]));
    const needed = known.filter(
      (one) =>
        one.source === null && (one.finishedAt === null || one.finishedAt.getTime() > Date.now() - RETENTION),
    );
    const kept = new Set(needed.map((one) => one.id));
    for (const one of ids) if (!kept.has(one)) await this.files.remove(one);
  }
}
