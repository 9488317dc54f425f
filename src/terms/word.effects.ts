import { sql } from 'drizzle-orm';
import type { Transaction } from '../database/database.module.js';
import { type AffectedRecords, ConfirmationNeeded } from '../problems/errors.js';

/** The records that come from some words. Records of imports that were undone or are being undone do not count. */
async function affectedBy(transaction: Transaction, ids: readonly string[]): Promise<AffectedRecords> {
  const [found] = await transaction.execute<AffectedRecords & Record<string, unknown>>(sql`
    select count(distinct record) filter (where kind = 'Condition')::int as conditions,
      count(distinct record) filter (where kind = 'Observation')::int as observations,
      count(distinct coalesce(about, uses.import_id || ' ' || uses.row))::int as patients
    from word_uses uses join imports on imports.id = uses.import_id and imports.status <> 'undone' and imports.undoing is null
      left join import_rows on import_rows.import_id = uses.import_id and import_rows.row = uses.row
    where term in ${[...ids]}`);
  const { conditions, observations, patients } = found ?? { conditions: 0, observations: 0, patients: 0 };
  return { conditions, observations, patients };
}

/**
 * Counts the records that a change of the meaning of some words corrects. Throws ConfirmationNeeded when there are such records and the
 * change is not confirmed. `how` says how to confirm the change.
 */
export async function confirmEffects(
  transaction: Transaction,
  ids: readonly string[],
  confirmed: boolean,
  how: string,
): Promise<AffectedRecords | undefined> {
  if (ids.length === 0) return undefined;
  const affected = await affectedBy(transaction, ids);
  if (affected.patients === 0) return undefined;
  if (!confirmed) throw new ConfirmationNeeded(affected, how);
  return affected;
}

/**
 * The number of rows that a decision runs again. Rows of cancelled, failed and undone imports do not count, because a decision does not run
 * them. A rehearsal does not count either if the same file was imported too, or was rehearsed again later.
 */
export const rowsWaiting = sql<number>`(select count(*)::int from waiting_words where waiting_words.term = terms.id
  and import_id in (select own.id from imports own where own.status not in ('cancelled', 'failed', 'undone')
    and not (own.mode = 'rehearse' and exists (select from imports other where other.sha256 = own.sha256
      and other.id <> own.id and other.status not in ('cancelled', 'failed', 'undone')
      and (other.mode = 'commit' or (other.created_at, other.id) > (own.created_at, own.id))))))`;

// Drizzle omits the table of a column in a statement about one table, so these subqueries name the table `terms` themselves.

/** The number of uses of a word that a changed decision has not corrected yet. */
export const usesToCorrect = sql<number>`(select count(*)::int from word_uses where word_uses.term = terms.id
  and word_uses.revision < terms.revision and word_uses.import_id in (
    select own.id from imports own where own.status <> 'undone' and own.undoing is null))`;
