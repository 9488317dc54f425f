import { eq, sql } from 'drizzle-orm';
import type { Transaction } from '../../database/database.module.js';
import { importChunks } from '../../database/schema.records.js';
import type { ImportRecord } from './imports.service.js';

/** The final status of an import after all its chunks are done. It depends on the counts of the rows. */
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

/** Whether an import was undone or is being undone. */
export const isUndone = ({ status, undoing }: Pick<ImportRecord, 'status' | 'undoing'>): boolean =>
  status === 'undone' || undoing !== null;

/** The values of an import that no longer waits for a mapping. The database refuses another status with a proposal. */
export const NO_PROPOSAL = { proposal: null, proposedAt: null } as const;
