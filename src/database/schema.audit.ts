import { sql } from 'drizzle-orm';
import { bigint, integer, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { timestampColumn, textColumn } from './schema.columns.js';

/**
 * Audit rows. The gateway only appends to this table. The sealer uses the column `xact` to find rows of transactions that committed late.
 */
export const audit = pgTable('audit', {
  id: bigint('id', { mode: 'number' }).generatedAlwaysAsIdentity(),
  at: timestampColumn('at')
    .notNull()
    .default(sql`clock_timestamp()`),
  kind: text('kind', { enum: ['answer', 'opened', 'totals', 'refused', 'sealing'] }).notNull(),
  accountId: uuid('account_id'),
  accountName: text('account_name'),
  via: text('via'),
  address: text('address').notNull(),
  client: textColumn('client'),
  action: text('action').notNull(),
  studyUid: text('study_uid'),
  patientIssuer: text('patient_issuer'),
  patientId: text('patient_id'),
  status: integer('status'),
  requests: bigint('requests', { mode: 'number' }),
  instances: bigint('instances', { mode: 'number' }),
  frames: bigint('frames', { mode: 'number' }),
  bytes: bigint('bytes', { mode: 'number' }),
  requestId: text('request_id'),
  detail: jsonb('detail'),
});
