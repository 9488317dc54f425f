import { eq, sql } from 'drizzle-orm';
import type { Transaction } from '../../database/database.module.js';
import { importChunks } from '../../database/schema.records.js';
import type { ImportRecord } from './imports.service.js';

/** How an import ends whose chunks are all done, by what their rows were counted as. */
export async function endOf(
  transaction: Transaction,
  { id, mode }: ImportRecord,
): Promise<'rehearsed' | 'completed' | 'completed_with_errors'> {
  if (mode === 'rehearse') return 'rehearsed';
  const [open] = await transaction
    .select({ rows: sql<number>`coalesce(sum(${importChunks.rejected} + ${importChunks.waiting}), 0)::int` })
    .from(importChunks)
    .where(eq(importChunks.importId, id));
  return (open?.rows ?? 0) > 0 ? 'completed_with_errors' : 'completed';
}

/** Whether an import is undone, or on its way to be. */
export const isTakenBack = ({ status, undoing }: Pick<ImportRecord, 'status' | 'undoing'>): boolean =>
  status === 'undone' || undoing !== null;
