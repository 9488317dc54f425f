import { Inject, Injectable } from '@nestjs/common';
import { inArray } from 'drizzle-orm';
import { BACKGROUND_DATABASE, type Database } from '../database/database.module.js';
import { studies } from '../database/schema.catalog.js';

const BATCH = 500;
/** The clocks of the database and of the disk can differ by this time in milliseconds. */
const CLOCK_MS = 5 * 60 * 1000;

/** A study whose files are outdated: all of them, or those that were written before a time (milliseconds since 1970). */
export interface Outdated {
  readonly study: string;
  readonly before: number;
}

/** Finds out which files became outdated while this gateway could not be notified. */
@Injectable()
export class OutdatedFiles {
  constructor(@Inject(BACKGROUND_DATABASE) private readonly database: Database) {}

  /** The studies among these that were deleted, or that lost or replaced an instance. */
  async *among(held: readonly string[]): AsyncGenerator<Outdated> {
    for (let start = 0; start < held.length; start += BATCH) {
      const batch = held.slice(start, start + BATCH);
      const rows = await this.database
        .select({ studyUid: studies.studyUid, shrunkAt: studies.shrunkAt })
        .from(studies)
        .where(inArray(studies.studyUid, batch));
      const present = new Map(rows.map(({ studyUid, shrunkAt }) => [studyUid, shrunkAt]));
      for (const study of batch) {
        const shrunkAt = present.get(study);
        if (shrunkAt === undefined) yield { study, before: Infinity };
        else if (shrunkAt !== null) yield { study, before: shrunkAt.getTime() + CLOCK_MS };
      }
    }
  }
}
