import { Inject, Injectable } from '@nestjs/common';
import { eq, inArray, sql } from 'drizzle-orm';
import { z } from 'zod';
import { BACKGROUND_DATABASE, type Database } from '../../database/database.module.js';
import { importWrites, terms, wordUses } from '../../database/schema.records.js';
import type { WordUse } from '../../mapping/row.plan.js';
import type { StoredWrite } from './row.store.js';
import { addUses } from './word.uses.js';

/** What a correction sends for a use. It is stored before the transaction is sent. */
export const SentCorrection = z.object({
  /** The version of the old record before the correction. */
  before: z.string().optional(),
  /** Whether the transaction creates the new record. */
  creates: z.boolean(),
  provenance: z.string(),
});
export type SentCorrection = z.output<typeof SentCorrection>;

/** A use of a word whose record comes from an older decision. `record` is empty if the word was ignored. */
export interface StaleUse {
  readonly id: number;
  readonly importId: string;
  readonly row: number;
  readonly chunk: number;
  readonly record: string;
  readonly about: string | null;
  readonly sent: unknown;
}

/** A corrected use: its new uses, and the writes of the correction. Without `uses`, the row has no cells any more. */
export interface CorrectedUse {
  readonly use: StaleUse;
  readonly uses?: readonly WordUse[];
  readonly writes: readonly StoredWrite[];
}

const BATCH = 50;
/** The imports whose records are corrected. */
const ACTIVE = sql`(select id from imports where status <> 'undone' and undoing is null)`;

/** Finds the uses of words that must be corrected, and stores what was corrected. */
@Injectable()
export class StaleUses {
  constructor(@Inject(BACKGROUND_DATABASE) private readonly database: Database) {}

  async term(id: string): Promise<typeof terms.$inferSelect | undefined> {
    return (await this.database.select().from(terms).where(eq(terms.id, id))).at(0);
  }

  /**
   * The next uses to correct, at most 50, all of them from one import. If several imports used the same record, the first of them created
   * the record. This import comes first, so that its undo also undoes the correction.
   */
  async next(term: string, revision: number): Promise<StaleUse[]> {
    const rows = await this.database.execute<StaleUse & Record<string, unknown>>(sql`
      with stale as (
        select uses.* from word_uses uses where uses.term = ${term} and uses.revision < ${revision} and uses.import_id in ${ACTIVE}),
      candidates as (
        select * from stale where record = '' or not exists (
          select from stale earlier where earlier.record = stale.record and earlier.id < stale.id
            and earlier.import_id <> stale.import_id))
      select candidates.id::float8 as id, candidates.import_id as "importId", candidates.row, chunk, record, about, sent
      from candidates join import_rows using (import_id, row)
      where import_id = (select import_id from candidates order by id limit 1)
      order by candidates.id limit ${BATCH}`);
    return [...rows];
  }

  /** The uses that still exist, by id. The undo of a decision about the identity of a row deletes the uses of the row. */
  async present(ids: readonly number[]): Promise<ReadonlySet<number>> {
    const rows = await this.database
      .select({ id: wordUses.id })
      .from(wordUses)
      .where(inArray(wordUses.id, [...ids]));
    return new Set(rows.map(({ id }) => id));
  }

  /** The records that another word, or the current decision, still gives. These records must not be withdrawn. */
  async supported(term: string, revision: number, records: readonly string[]): Promise<Set<string>> {
    if (records.length === 0) return new Set();
    const rows = await this.database.execute<{ record: string }>(sql`
      select distinct record from word_uses where record in ${[...records]} and import_id in ${ACTIVE}
        and (term is distinct from ${term} or revision >= ${revision})`);
    return new Set(rows.map(({ record }) => record));
  }

  async recordSent(sent: ReadonlyMap<number, SentCorrection>): Promise<void> {
    const rows = [...sent].map(([id, value]) => ({ id, sent: value }));
    await this.database.execute(sql`
      update word_uses set sent = given.sent
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as given (id bigint, sent jsonb)
      where word_uses.id = given.id`);
  }

  /** Replaces the stale uses by the new uses, and records the writes for an undo, in one transaction. */
  async save(
    revision: number,
    corrected: readonly CorrectedUse[],
    common: readonly StoredWrite[],
  ): Promise<void> {
    const [first] = corrected;
    if (first === undefined) return;
    const { importId } = first.use;
    const writes = [
      ...corrected.flatMap(({ use, writes: of }) => of.map((write) => ({ row: use.row, ...write }))),
      ...common.map((write) => ({ row: 0, ...write })),
    ];
    const gone = corrected.filter(({ uses }) => uses !== undefined).map(({ use }) => use.id);
    const kept = corrected.filter(({ uses }) => uses === undefined).map(({ use }) => use.id);
    await this.database.transaction(async (transaction) => {
      if (writes.length > 0)
        await transaction.insert(importWrites).values(
          writes.map(({ row, kind, id, before, after }) => ({
            importId,
            row,
            kind,
            resourceId: id,
            versionBefore: before ?? null,
            versionAfter: after,
          })),
        );
      if (kept.length > 0)
        await transaction.update(wordUses).set({ revision, sent: null }).where(inArray(wordUses.id, kept));
      if (gone.length > 0) await transaction.delete(wordUses).where(inArray(wordUses.id, gone));
      await addUses(
        transaction,
        importId,
        corrected.flatMap(({ use, uses }) => (uses === undefined ? [] : [{ row: use.row, uses }])),
      );
    });
  }
}
