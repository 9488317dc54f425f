import { Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import type { Transaction } from '../database/database.module.js';
import type { IssueCode } from '../mapping/issue.codes.js';
import { issue } from '../mapping/issue.js';

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
  /** Equal rows count once; of different ones the policy says which is taken, or that all are refused. One pass over the pending rows. */
  async settle(transaction: Transaction, importId: string, policy: DuplicatePolicy): Promise<void> {
    const { code, spared } = POLICIES[policy];
    await transaction.execute(sql`
      update import_rows set state = case verdict.code when 'duplicate-in-file' then 'rejected' else 'duplicate' end,
        issues = import_rows.issues || case verdict.code
          when 'duplicate-same' then ${JSON.stringify([issue('duplicate-same')])}::jsonb
          else ${JSON.stringify([issue(code)])}::jsonb end
      from (
        select row, case when not same then ${code}::text else 'duplicate-same' end as code
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
}
