import { sql } from 'drizzle-orm';
import type { Transaction } from '../../database/database.module.js';
import type { WordUse } from '../../mapping/row.plan.js';

interface RowUses {
  readonly row: number;
  readonly uses?: readonly WordUse[];
}

/**
 * Records the words from which rows made their Conditions and Observations. Uses of earlier runs are kept, because a correction must still
 * withdraw the records of these uses.
 */
export async function addUses(
  transaction: Transaction,
  importId: string,
  rows: readonly RowUses[],
): Promise<void> {
  const uses = rows.flatMap(({ row, uses: of = [] }) =>
    of.map(({ record = '', kind = '', decision }) => ({ row, record, kind, ...decision })),
  );
  if (uses.length === 0) return;
  await transaction.execute(sql`
    insert into word_uses (import_id, row, record, kind, term, revision)
    select distinct on (row, record, term) ${importId}::uuid, row, record, kind, term, coalesce(revision, 0)
    from jsonb_to_recordset(${JSON.stringify(uses)}::jsonb)
      as given (row int, record text, kind text, term uuid, revision int)
    order by row, record, term, revision desc
    on conflict (import_id, row, record, coalesce(term, '00000000-0000-0000-0000-000000000000'))
    do update set revision = greatest(word_uses.revision, excluded.revision)`);
}
