import { sql } from 'drizzle-orm';
import type { Transaction } from '../../database/database.module.js';

/**
 * Lets the statements of a transaction take as long as a list of five million rows needs; others end after the pool's own limit. Rows that
 * have just been written have no statistics yet: a plan that looks each of them up among all the others must not be chosen.
 */
export async function withLongStatementTimeout(transaction: Transaction): Promise<void> {
  await transaction.execute(sql`set local statement_timeout = '30min'`);
  await transaction.execute(sql`set local enable_nestloop = off`);
}
