import { Injectable } from '@nestjs/common';
import { type SQL, sql } from 'drizzle-orm';
import type { Transaction } from '../database/database.module.js';
import type { IssueCode } from '../mapping/issue.codes.js';
import { issue } from '../mapping/issue.js';

export type DuplicatePolicy = 'error' | 'first' | 'last' | 'merge';

/** Finds rows of one file that are about the same patient, in the database, whatever the size of the file. */
@Injectable()
export class Duplicates {
  /** Equal rows count once; of different ones the policy says which is taken, or that all are refused. */
  async settle(transaction: Transaction, importId: string, policy: DuplicatePolicy): Promise<void> {
    const settle = (state: 'duplicate' | 'rejected', code: IssueCode, which: SQL) =>
      transaction.execute(sql`
        with groups as (
          select patient, count(distinct content) as kinds, min(row) as first, max(row) as last
          from import_rows where import_id = ${importId} and state = 'pending' and patient is not null
          group by patient having count(*) > 1)
        update import_rows set state = ${state},
          issues = import_rows.issues || ${JSON.stringify([issue(code)])}::jsonb
        from groups where import_rows.import_id = ${importId} and import_rows.state = 'pending'
          and import_rows.patient = groups.patient and ${which}`);
    await settle('duplicate', 'duplicate-same', sql`groups.kinds = 1 and import_rows.row <> groups.first`);
    if (policy === 'error') await settle('rejected', 'duplicate-in-file', sql`true`);
    if (policy === 'first')
      await settle('duplicate', 'duplicate-set-aside', sql`import_rows.row <> groups.first`);
    if (policy === 'last')
      await settle('duplicate', 'duplicate-set-aside', sql`import_rows.row <> groups.last`);
    if (policy === 'merge')
      await settle('duplicate', 'duplicate-merged', sql`import_rows.row <> groups.first`);
  }
}
