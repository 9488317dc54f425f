import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { BACKGROUND_DATABASE, type Database, type Transaction } from '../../database/database.module.js';
import { importChanges, type ROW_STATES } from '../../database/schema.records.js';
import type { Issue } from '../../mapping/issue.js';
import type { WordUse } from '../../mapping/row.plan.js';
import { type FieldChange, RowChanges } from './row.changes.js';
import { addUses } from './word.uses.js';

export type RowState = (typeof ROW_STATES)[number];

/** The outcome of a row. */
export interface StoredRowOutcome {
  readonly row: number;
  readonly state: RowState;
  readonly issues: readonly Issue[];
  readonly changes: readonly FieldChange[];
  /** The writes that were made for the row. */
  readonly writes: readonly StoredWrite[];
  /** The id of the patient on the server. Missing for a rejected row. */
  readonly about?: string;
  /** The words of a row that was written, with the records that they gave. */
  readonly uses?: readonly WordUse[];
}

/** A write of a resource with the versions before and after the write. `before` is missing when the write created the resource. */
export interface StoredWrite {
  readonly kind: string;
  readonly id: string;
  readonly before?: string;
  readonly after: string;
}

/** Stores the states, issues and writes of rows. */
@Injectable()
export class RowStore {
  constructor(
    @Inject(BACKGROUND_DATABASE) private readonly database: Database,
    private readonly changes: RowChanges,
  ) {}

  /**
   * Saves the outcomes and writes of some rows of one chunk, and the new counts of the chunk, in one transaction. If `commits` is true (the
   * run is not a rehearsal), the patient of each row is recorded too. The undo of an earlier import then does not change these patients. The
   * uses of words are recorded for corrections of decisions. A row whose Patient an earlier run of the import created stays `created`.
   */
  async save(
    importId: string,
    chunk: number,
    outcomes: readonly StoredRowOutcome[],
    commits: boolean,
  ): Promise<void> {
    if (outcomes.length === 0) return;
    const rows = outcomes.map(({ row, state, issues, about }) => {
      const found = commits && state !== 'rejected' ? about : undefined;
      return { row, state, issues, about: found };
    });
    const sealed = this.changes.seal(outcomes);
    const numbers = rows.map(({ row }) => row);
    // Without these bounds, the planner would scan all rows of the import, because new rows have no statistics yet.
    const bounds = sql`${Math.min(...numbers)} and ${Math.max(...numbers)}`;
    const writes = outcomes.flatMap(({ row, writes: of }) => of.map((write) => ({ row, ...write })));
    await this.database.transaction(async (transaction) => {
      await transaction.execute(sql`
        update import_rows set state = ${commits ? STATE_OF_ALL_RUNS : sql`outcome.state`}, issues = outcome.issues, changes = null,
          about = coalesce(outcome.about, import_rows.about),
          decided = case when outcome.about is null then decided else moment.now end
        from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
          as outcome (row int, state text, issues jsonb, about text),
          (select nextval(pg_get_serial_sequence('import_writes', 'id')) as now offset 0) moment
        where import_rows.import_id = ${importId} and import_rows.row = outcome.row
          and import_rows.row between ${bounds}`);
      await transaction.insert(importChanges).values({ importId, chunk, sealed });
      if (writes.length > 0)
        await transaction.execute(sql`
          insert into import_writes (import_id, row, kind, resource_id, version_before, version_after)
          select ${importId}, row, kind, id, before, after from jsonb_to_recordset(${JSON.stringify(writes)}::jsonb)
            as written (row int, kind text, id text, before text, after text)`);
      if (commits) await addUses(transaction, importId, outcomes);
      await this.recount(transaction, importId, chunk);
    });
  }

  /** Counts the rows of a chunk, or of all chunks, by state, and stores the counts with the chunks. */
  async recount(transaction: Transaction, importId: string, chunk?: number): Promise<void> {
    const of = (table: string) =>
      sql`${sql.raw(table)}.import_id = ${importId} ${chunk === undefined ? sql`` : sql`and ${sql.raw(table)}.chunk = ${chunk}`}`;
    await transaction.execute(sql`
      with counts as (
        select chunk, count(*) filter (where state = 'created') as created,
          count(*) filter (where state = 'updated') as updated,
          count(*) filter (where state = 'unchanged') as unchanged,
          count(*) filter (where state = 'rejected') as rejected,
          count(*) filter (where state = 'waiting') as waiting,
          count(*) filter (where state = 'duplicate') as duplicate
        from import_rows where ${of('import_rows')} group by chunk),
      codes as (
        select chunk, jsonb_object_agg(code, number) as reasons from (
          select chunk, issue ->> 'code' as code, count(*) as number
          from import_rows, jsonb_array_elements(issues) issue where ${of('import_rows')} group by 1, 2) each_code
        group by chunk)
      update import_chunks set created = counts.created, updated = counts.updated, unchanged = counts.unchanged,
        rejected = counts.rejected, waiting = counts.waiting, duplicate = counts.duplicate,
        reasons = coalesce(codes.reasons, '{}')
      from counts left join codes using (chunk)
      where ${of('import_chunks')} and import_chunks.chunk = counts.chunk`);
  }
}

/** The state of a row after all runs of its import. A later run finds the resources that an earlier run wrote, and changes less. */
const STATE_OF_ALL_RUNS = sql`case
  when outcome.state in ('updated', 'unchanged') and exists (
    select from import_writes own where own.import_id = import_rows.import_id and own.row = import_rows.row
      and own.kind = 'Patient' and own.version_before is null and own.undone is null) then 'created'
  when outcome.state = 'unchanged' and exists (
    select from import_writes own where own.import_id = import_rows.import_id and own.row = import_rows.row
      and own.undone is null) then 'updated'
  else outcome.state end`;
