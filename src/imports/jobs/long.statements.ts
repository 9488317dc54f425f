import { sql } from 'drizzle-orm';
import type { Transaction } from '../../database/database.module.js';

/**
 * Raises the statement timeout of a transaction to 30 minutes, for lists of five million rows. It also disables nested loop joins. New rows
 * have no statistics yet, so the planner could choose a nested loop join with quadratic cost.
 */
export async function withLongStatementTimeout(transaction: Transaction): Promise<void> {
  await transaction.execute(sql`set local statement_timeout = '30min'`);
  await transaction.execute(sql`set local enable_nestloop = off`);
}
