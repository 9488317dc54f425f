import { Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import type { Transaction } from '../../database/database.module.js';
import type { IssueCode } from '../../mapping/issue.codes.js';
import { issue } from '../../mapping/issue.js';

export type DuplicatePolicy = 'error' | 'first' | 'last' | 'merge';

/** Which rows of one patient, saying different things, are not written: of all, of all but the first, of all but the last. */
const POLICIES: Readonly<Record<DuplicatePolicy, { code: IssueCode; spared: 'none' | 'first' | 'last' }>> = {
  error: { code: 'duplicate-in-file', spared: 'none' },
  first: { code: 'duplicate-set-aside', spared: 'first' },
  last: { code: 'duplicate-set-aside', spared: 'last' },
  merge: { code: 'duplicate-merged', spared: 'first' },
};

/** Finds rows of one file that are about the same patient, in the database, whatever the size of the file. */
@Injectable()
export class Duplicates {
  /**
   * Rows that share an identifier and begin with different ones are of one patient or hold a wrong number: nobody can tell, and none is
   * written. Equal rows count once; of different ones the policy says which is taken, or that all are refused. One pass over the pending
   * rows for each.
   */
  async settle(transaction: Transaction, importId: string, policy: DuplicatePolicy): Promise<void> {
    await this.refuseShared(transaction, importId);
    const { code, spared } = POLICIES[policy];
    await transaction.execute(sql`
      update import_rows set leader = case when verdict.code = 'duplicate-merged' then verdict.first end,
        state = case verdict.code when 'duplicate-in-file' then 'rejected' else 'duplicate' end,
        issues = import_rows.issues || case verdict.code
          when 'duplicate-same' then ${JSON.stringify([issue('duplicate-same')])}::jsonb
          else ${JSON.stringify([issue(code)])}::jsonb end
      from (
        select row, first, case when not same then ${code}::text else 'duplicate-same' end as code
        from (
          select row, count(*) over every as number, min(row) over every as first, max(row) over every as last,
            min(content) over every = max(content) over every as same
          from import_rows where import_id = ${importId} and state = 'pending' and patient is not null
          window every as (partition by patient)) placed
        where number > 1 and case
          when same or ${spared}::text = 'first' then row <> first
          when ${spared}::text = 'last' then row <> last
          else true end) verdict
      where import_rows.import_id = ${importId} and import_rows.row = verdict.row`);
  }

  private async refuseShared(transaction: Transaction, importId: string): Promise<void> {
    const pending = sql`import_id = ${importId} and state = 'pending'`;
    const [some] = await transaction.execute(sql`
      select row from import_rows where ${pending} and others is not null limit 1`);
    if (some === undefined) return;
    await transaction.execute(sql`
      update import_rows set state = 'rejected', issues = import_rows.issues || ${JSON.stringify([issue('identifier-shared')])}::jsonb
      from (
        select distinct row from (
          select row, min(patient) over every <> max(patient) over every as shared
          from (
            select row, patient, patient as key from import_rows where ${pending} and patient is not null
            union all
            select row, patient, unnest(others) from import_rows where ${pending} and others is not null) keyed
          window every as (partition by key)) placed
        where shared) found
      where import_rows.import_id = ${importId} and import_rows.row = found.row`);
  }
}
