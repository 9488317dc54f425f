import { Injectable } from '@nestjs/common';
import { type SQL, sql } from 'drizzle-orm';
import type { Transaction } from '../../database/database.module.js';
import type { IssueCode } from '../../mapping/issue.codes.js';
import { issue } from '../../mapping/issue.js';
import type { RowMapper } from '../writing/row.mapper.js';
import { FileIdentities, IS_SEPARATED } from './file.identities.js';

export type DuplicatePolicy = 'error' | 'first' | 'last' | 'merge';

/** Policies for rows of one patient with different content: which row is written, and the issue code of the other rows. */
const POLICIES: Readonly<Record<DuplicatePolicy, { code: IssueCode; written: 'none' | 'first' | 'last' }>> = {
  error: { code: 'duplicate-in-file', written: 'none' },
  first: { code: 'duplicate-set-aside', written: 'first' },
  last: { code: 'duplicate-set-aside', written: 'last' },
  merge: { code: 'duplicate-merged', written: 'first' },
};

/**
 * Finds rows of one file about the same patient. PostgreSQL compares the rows, so the memory use of the gateway does not depend on the size
 * of the file.
 */
@Injectable()
export class Duplicates {
  constructor(private readonly identities: FileIdentities) {}

  /**
   * Finds duplicate rows among the pending rows and sets the states of these rows. Rejects rows that have an identifier in common but
   * differ in their main identifier (`RowPlan.identities`). Rows with one main identifier that contradict each other wait for a review. If
   * the other rows of a patient have equal content, only the first row is written. If they differ, the policy decides which row is written,
   * if any. Rows that a person decided to be the same patient are merged into the row that is written.
   */
  async resolve(
    transaction: Transaction,
    importId: string,
    policy: DuplicatePolicy,
    mapper: RowMapper,
  ): Promise<void> {
    await this.rejectShared(transaction, importId);
    const same = JSON.stringify(await this.identities.resolve(transaction, importId, mapper));
    const decided = sql`(select jsonb_array_elements_text(${same}::jsonb)::int)`;
    await this.applyPolicy(transaction, importId, policy, decided);
    if (same === '[]') return;
    const merged = JSON.stringify(issue('duplicate-merged'));
    const rejected = JSON.stringify(issue('duplicate-in-file'));
    await transaction.execute(sql`
      update import_rows set leader = written.row,
        state = case when written.row is null then 'rejected' else 'duplicate' end,
        issues = import_rows.issues || case when written.row is null then ${rejected}::jsonb
          else ${merged}::jsonb || jsonb_build_object('other_row', written.row) end
      from import_rows one left join lateral (
        select min(row) as row from import_rows other where other.import_id = ${importId} and other.patient = one.patient
          and other.state = 'pending' and other.row not in ${decided} and not ${IS_SEPARATED}) written on true
      where one.import_id = ${importId} and one.row in ${decided} and one.state = 'pending'
        and import_rows.import_id = one.import_id and import_rows.row = one.row`);
  }

  private async applyPolicy(
    transaction: Transaction,
    importId: string,
    policy: DuplicatePolicy,
    except: SQL,
  ): Promise<void> {
    const { code, written } = POLICIES[policy];
    await transaction.execute(sql`
      update import_rows set leader = case when verdict.code = 'duplicate-merged' then verdict.first end,
        state = case verdict.code when 'duplicate-in-file' then 'rejected' else 'duplicate' end,
        issues = import_rows.issues || (case verdict.code
          when 'duplicate-same' then ${JSON.stringify(issue('duplicate-same'))}::jsonb
          else ${JSON.stringify(issue(code))}::jsonb end || jsonb_build_object('other_row', verdict.other))
      from (
        select row, first, case when not same then ${code}::text else 'duplicate-same' end as code,
          case when same or ${written}::text = 'first' then first when ${written}::text = 'last' then last
            else beside end as other
        from (
          select row, count(*) over every as number, min(row) over every as first, max(row) over every as last,
            min(content) over every = max(content) over every as same,
            coalesce(lag(row) over in_order, lead(row) over in_order) as beside
          from import_rows where import_id = ${importId} and state = 'pending' and patient is not null
            and row not in ${except}
          window every as (partition by patient, case when ${IS_SEPARATED} then person end),
            in_order as (partition by patient, case when ${IS_SEPARATED} then person end order by row)) placed
        where number > 1 and case
          when same or ${written}::text = 'first' then row <> first
          when ${written}::text = 'last' then row <> last
          else true end) verdict
      where import_rows.import_id = ${importId} and import_rows.row = verdict.row`);
  }

  private async rejectShared(transaction: Transaction, importId: string): Promise<void> {
    const pending = sql`import_id = ${importId} and state = 'pending' and not ${IS_SEPARATED}`;
    const [some] = await transaction.execute(sql`
      select row from import_rows where ${pending} and others is not null limit 1`);
    if (some === undefined) return;
    await transaction.execute(sql`
      update import_rows set state = 'rejected', issues = import_rows.issues
        || (${JSON.stringify(issue('identifier-shared'))}::jsonb || jsonb_build_object('other_row', found.other))
      from (
        select row, min(case when patient = lowest then of_highest else of_lowest end) as other from (
          select row, patient, lowest, highest, min(row) filter (where patient = lowest) over every as of_lowest,
            min(row) filter (where patient = highest) over every as of_highest
          from (
            select row, patient, key, min(patient) over every as lowest, max(patient) over every as highest
            from (
              select row, patient, patient as key from import_rows where ${pending} and patient is not null
              union all
              select row, patient, unnest(others) from import_rows where ${pending} and others is not null) keyed
            window every as (partition by key)) ranged
          window every as (partition by key)) placed
        where lowest <> highest group by row) found
      where import_rows.import_id = ${importId} and import_rows.row = found.row`);
  }
}
