import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { inArray } from 'drizzle-orm';
import { z } from 'zod';
import { DATABASE, type Database } from '../database/database.module.js';
import { imports } from '../database/schema.records.js';
import { StagedFiles } from './staged.files.js';

const HOUR = 3_600_000;
/** How long the file of an import that failed or was cancelled before it was read is kept for a retry. */
const KEPT = 7 * 24 * HOUR;
const AT_ONCE = 1_000;

/** Removes uploaded files nobody needs: of uploads that were cut off by a crash, of imports whose rows are sealed in the database, of old failures. */
@Injectable()
export class StagedSweeper implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('imports');
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly files: StagedFiles,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    this.timer = setInterval(() => void this.sweep(), HOUR).unref();
    await this.sweep();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private async sweep(): Promise<void> {
    try {
      // What is younger may be an upload under way.
      const names = await this.files.untouchedSince(Date.now() - HOUR);
      const ids = names.filter((name) => z.uuid().safeParse(name).success);
      for (let at = 0; at < ids.length; at += AT_ONCE) await this.removeUnneeded(ids.slice(at, at + AT_ONCE));
    } catch (error) {
      this.logger.warn(`staged files were not swept: ${error instanceof Error ? error.name : 'unknown'}`);
    }
  }

  private async removeUnneeded(ids: readonly string[]): Promise<void> {
    const { id, source, finishedAt } = imports;
    const known = await this.database
      .select({ id, source, finishedAt })
      .from(imports)
      .where(inArray(id, [...ids]));
    const needed = known.filter(
      (one) =>
        one.source === null && (one.finishedAt === null || one.finishedAt.getTime() > Date.now() - KEPT),
    );
    const kept = new Set(needed.map((one) => one.id));
    for (const one of ids) if (!kept.has(one)) await this.files.remove(one);
  }
}
