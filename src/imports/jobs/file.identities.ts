import { Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import type { Transaction } from '../../database/database.module.js';
import { contradictingRows } from '../../mapping/duplicates.js';
import { issue } from '../../mapping/issue.js';
import { ChunkStore } from '../writing/chunk.store.js';
import { type IdentityConflict, IdentityReviews } from '../writing/identity.reviews.js';
import type { PlannedRow } from '../writing/row.decision.js';
import type { RowMapper } from '../writing/row.mapper.js';

/** The number of patients that are compared at a time. Their rows are in memory. */
const PATIENTS = 500;

/** The condition that the person of a row was decided to be a new patient. Such a row does not belong to the patient of its identifier. */
export const IS_SEPARATED = sql`coalesce(person in (select person from import_reviews where decision = 'new'), false)`;

/**
 * The condition that a row counts as its patient in the comparison. These are the pending rows, and the rows that a rehearsal or an earlier
 * run rejected after its comparison. Without the second kind, a rerun would write a row that contradicts a rejected row.
 */
const IS_COMPARED = sql`not ${IS_SEPARATED} and (state = 'pending' or state = 'rejected' and patient is not null
  and not issues @? '$[*] ? (@.code == "identity-rejected" || @.code == "identifier-shared")')`;

/** A row that is compared. Only a pending row gets another state. */
interface ComparedRow extends Record<string, unknown> {
  readonly patient: string;
  readonly row: number;
  readonly chunk: number;
  readonly pending: boolean;
}

/** Finds rows of one file that have one main identifier but contradict each other, so that they can be about different persons. */
@Injectable()
export class FileIdentities {
  constructor(
    private readonly chunks: ChunkStore,
    private readonly reviews: IdentityReviews,
  ) {}

  /**
   * Compares the rows of each patient. The first row counts as the patient. A pending row that contradicts it waits for a review, or is
   * rejected if a person decided so. Returns the rows that a person decided to be the same patient. These rows stay pending.
   */
  async resolve(transaction: Transaction, importId: string, mapper: RowMapper): Promise<number[]> {
    const same: number[] = [];
    for (let after = ''; ;) {
      const found = await transaction.execute<ComparedRow>(sql`
        with several as (
          select patient from import_rows
          where import_id = ${importId} and patient > ${after} and ${IS_COMPARED}
          group by patient having min(person) <> max(person) and bool_or(state = 'pending')
          order by patient limit ${PATIENTS})
        select patient, row, chunk, state = 'pending' as pending from import_rows join several using (patient)
        where import_id = ${importId} and ${IS_COMPARED} order by patient, row`);
      const last = found.at(-1);
      if (last === undefined) return same;
      after = last.patient;
      same.push(...(await this.compare(transaction, importId, found, mapper)));
    }
  }

  private async compare(
    transaction: Transaction,
    importId: string,
    found: readonly ComparedRow[],
    mapper: RowMapper,
  ): Promise<number[]> {
    const patientOf = new Map(found.map(({ row, patient }) => [row, patient]));
    const planned: PlannedRow[] = [];
    for (const chunk of [...new Set(found.map((one) => one.chunk))].sort((one, other) => one - other)) {
      const { rows, plans } = await this.chunks.open(importId, chunk);
      for (const read of rows) {
        if (!patientOf.has(read.row)) continue;
        const mapped = await mapper.outcomeOf(read, plans);
        if (mapped.outcome === 'planned') planned.push({ row: read.row, ...mapped });
      }
    }
    const pending = new Set(found.filter((one) => one.pending).map(({ row }) => row));
    const groups = Map.groupBy(planned, ({ row }) => patientOf.get(row));
    const conflicts = [...groups.values()].flatMap((group) =>
      contradictingRows(group)
        .filter(({ row }) => pending.has(row.row))
        .map(({ row, other, differences }): IdentityConflict => {
          return { planned: row, other: { row: other.row, patient: other.plan.patient }, differences };
        }),
    );
    const verdicts = await this.reviews.review(transaction, importId, conflicts, mapper.key);
    const outcomes = conflicts.flatMap(({ planned: { row, issues }, other }) => {
      const verdict = verdicts.get(row)?.verdict;
      if (verdict === 'same') return [];
      const [state, code] =
        verdict === 'reject'
          ? (['rejected', 'identity-rejected'] as const)
          : (['waiting', 'identity-review'] as const);
      return [{ row, state, issues: [...issues, { ...issue(code), other_row: other.row }] }];
    });
    await transaction.execute(sql`
      update import_rows set state = outcome.state, issues = outcome.issues
      from jsonb_to_recordset(${JSON.stringify(outcomes)}::jsonb) as outcome (row int, state text, issues jsonb)
      where import_rows.import_id = ${importId} and import_rows.row = outcome.row`);
    return [...verdicts].flatMap(([row, { verdict }]) => (verdict === 'same' ? [row] : []));
  }
}
