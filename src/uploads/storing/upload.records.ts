import { Inject, Injectable } from '@nestjs/common';
import { and, desc, eq, sql } from 'drizzle-orm';
import { DATABASE, type Database, type Transaction } from '../../database/database.module.js';
import { accounts } from '../../database/schema.access.js';
import { instances, series, studies } from '../../database/schema.catalog.js';
import { uploads } from '../../database/schema.uploads.js';
import { matching, type Page } from '../../http/list.query.js';
import type { ListQuery } from '../../http/query.pipe.js';
import { BadField, NotVisible } from '../../problems/errors.js';

export type UploadRow = typeof uploads.$inferSelect;
export type NewUploadRow = typeof uploads.$inferInsert;
/** What changes when an upload ends. */
export type UploadOutcome = Partial<
  Pick<
    NewUploadRow,
    | 'issuer'
    | 'patientId'
    | 'studyUid'
    | 'seriesUid'
    | 'sopUid'
    | 'sopClassUid'
    | 'transferSyntax'
    | 'reason'
    | 'original'
  >
> & { readonly state: UploadRow['state']; readonly notes: readonly string[] };

/** The rows of uploads. */
@Injectable()
export class UploadRecords {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * Reserves the identity of an upload. If the same file was uploaded for the same target before, returns its row. A row of a failed upload
   * is used again.
   */
  async reserve(row: NewUploadRow): Promise<UploadRow> {
    const [reserved] = await this.database
      .insert(uploads)
      .values(row)
      .onConflictDoUpdate({
        target: uploads.sameness,
        set: {
          state: sql`case when ${uploads.state} = 'failed' then 'storing' else ${uploads.state} end`,
          reason: null,
          finishedAt: sql`case when ${uploads.state} = 'failed' then null else ${uploads.finishedAt} end`,
        },
      })
      .returning();
    if (reserved === undefined) throw new Error('an upsert returned no row');
    return reserved;
  }

  /** Writes the outcome of an upload, and adds its notes to the log. */
  async finish(id: string, { notes, ...outcome }: UploadOutcome): Promise<UploadRow> {
    const at = new Date();
    const steps = notes.map((text) => ({ at: at.toISOString(), text }));
    const [row] = await this.database
      .update(uploads)
      .set({
        ...outcome,
        finishedAt: at,
        log: sql`${uploads.log} || ${JSON.stringify(steps)}::jsonb`,
      })
      .where(eq(uploads.id, id))
      .returning();
    // The upload was deleted meanwhile.
    if (row === undefined) throw new NotVisible();
    return row;
  }

  /** Returns an upload. With `listedFor`, only if it is in the list of this account. Throws `NotVisible`. */
  async get(id: string, listedFor: string | undefined): Promise<UploadRow> {
    const [row] = await this.database
      .select()
      .from(uploads)
      .where(and(eq(uploads.id, id), listedFor === undefined ? undefined : eq(uploads.listedFor, listedFor)));
    if (row === undefined) throw new NotVisible();
    return row;
  }

  /** Lists the uploads of an account, newest first. `q` is a part of the file name. Throws `NotVisible` for an unknown account. */
  async list(account: string, query: ListQuery): Promise<Page<UploadRow>> {
    if ((await this.database.$count(accounts, eq(accounts.id, account))) === 0) throw new NotVisible();
    const condition = and(eq(uploads.listedFor, account), matching(query, uploads.fileName));
    const items = await this.database
      .select()
      .from(uploads)
      .where(condition)
      .orderBy(desc(uploads.createdAt), uploads.id)
      .limit(query.limit)
      .offset(query.offset);
    return { items, total: await this.database.$count(uploads, condition) };
  }

  /** Moves an upload to the list of another account, within a transaction of the caller. Throws `BadField` for an unknown account. */
  async assign(transaction: Transaction, id: string, account: string): Promise<UploadRow> {
    if ((await transaction.$count(accounts, eq(accounts.id, account))) === 0)
      throw new BadField('unknown-account', 'user_id', 'The account does not exist. Name another one.');
    const [row] = await transaction
      .update(uploads)
      .set({ listedFor: account })
      .where(eq(uploads.id, id))
      .returning();
    if (row === undefined) throw new NotVisible();
    return row;
  }

  /** Deletes an upload within a transaction of the caller. Throws `NotVisible`. */
  async remove(transaction: Transaction, id: string): Promise<void> {
    const gone = await transaction.delete(uploads).where(eq(uploads.id, id)).returning({ id: uploads.id });
    if (gone.length === 0) throw new NotVisible();
  }

  /** Whether the catalog has this instance, in this series and study. */
  async isInCatalog({ sopUid, seriesUid, studyUid }: UploadRow): Promise<boolean> {
    const [row] = await this.database
      .select({ id: instances.id })
      .from(instances)
      .innerJoin(series, eq(series.id, instances.series))
      .innerJoin(studies, eq(studies.id, series.study))
      .where(
        and(eq(instances.sopUid, sopUid), eq(series.seriesUid, seriesUid), eq(studies.studyUid, studyUid)),
      );
    return row !== undefined;
  }
}
