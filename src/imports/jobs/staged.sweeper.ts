import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { and, eq, inArray, lt } from 'drizzle-orm';
import { z } from 'zod';
import { BACKGROUND_DATABASE, type Database } from '../../database/database.module.js';
import { imports } from '../../database/schema.records.js';
import { HOUR, hourly } from '../../limits/hourly.js';
import { NO_PROPOSAL } from './import.ending.js';
import { Imports } from './imports.service.js';
import { StagedFiles } from './staged.files.js';

/**
 * The time that a file is kept for a retry, if its import failed or was cancelled before the end of the inspection. An import waits for its
 * mapping for the same time.
 */
const RETENTION = 7 * 24 * HOUR;
const BATCH = 1_000;
/** The failure of an import that got no mapping in this time. Its file is deleted at once. */
const UNANSWERED = 'file-mapping-missing';

/**
 * Ends imports that have waited too long for a mapping, and deletes uploaded files that are no longer needed. These are files without an import, files whose rows are in the database, and files of
 * imports that failed or were cancelled long ago.
 */
@Injectable()
export class StagedSweeper implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('imports');
  private stop: (() => void) | undefined;

  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly files: StagedFiles,
    private readonly imports: Imports,
  ) {}

  onApplicationBootstrap(): void {
    this.stop = hourly(() => this.sweep(), this.logger, 'unneeded uploaded files were not deleted');
  }

  onApplicationShutdown(): void {
    this.stop?.();
  }

  private async sweep(): Promise<void> {
    await this.endUnanswered();
    // A file written in the last hour can belong to a running upload.
    const names = await this.files.untouchedSince(Date.now() - HOUR);
    const ids = names.filter((name) => z.uuid().safeParse(name).success);
    for (let at = 0; at < ids.length; at += BATCH) await this.removeUnneeded(ids.slice(at, at + BATCH));
  }

  /** Ends the imports that have waited too long for a mapping. */
  private async endUnanswered(): Promise<void> {
    const { id, status, proposedAt } = imports;
    const ended = await this.database
      .update(imports)
      .set({ status: 'failed', failure: UNANSWERED, sameness: null, finishedAt: new Date(), ...NO_PROPOSAL })
      .where(and(eq(status, 'needs_mapping'), lt(proposedAt, new Date(Date.now() - RETENTION))))
      .returning({ id });
    for (const one of ended) await this.imports.addEvent(one.id);
  }

  private async removeUnneeded(ids: readonly string[]): Promise<void> {
    const { id, source, failure, finishedAt } = imports;
    const known = await this.database
      .select({ id, source, failure, finishedAt })
      .from(imports)
      .where(inArray(id, [...ids]));
    const needed = known.filter(
      (one) =>
        one.source === null &&
        one.failure !== UNANSWERED &&
        (one.finishedAt === null || one.finishedAt.getTime() > Date.now() - RETENTION),
    );
    const kept = new Set(needed.map((one) => one.id));
    for (const one of ids) if (!kept.has(one)) await this.files.remove(one);
  }
}
