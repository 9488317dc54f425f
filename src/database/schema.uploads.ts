import { bigint, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { bytea, createdAt, textColumn, timestampColumn } from './schema.columns.js';

export const UPLOAD_STATES = ['storing', 'stored', 'quarantined', 'failed'] as const;

/** A step of the processing of an upload. */
export interface UploadStep {
  readonly at: string;
  readonly text: string;
}

/** Files that people bring through /api/uploads, and what became of them. */
export const uploads = pgTable('uploads', {
  id: uuid('id').primaryKey(),
  accountId: uuid('account_id'),
  accountName: text('account_name').notNull(),
  listedFor: uuid('listed_for'),
  fileName: textColumn('file_name'),
  kind: text('kind').notNull(),
  bytes: bigint('bytes', { mode: 'number' }).notNull(),
  sha256: bytea('sha256').notNull(),
  sameness: bytea('sameness').notNull().unique(),
  state: text('state', { enum: UPLOAD_STATES }).notNull(),
  reason: text('reason'),
  issuer: textColumn('issuer'),
  patientId: textColumn('patient_id'),
  studyUid: textColumn('study_uid'),
  seriesUid: textColumn('series_uid'),
  sopUid: textColumn('sop_uid'),
  sopClassUid: textColumn('sop_class_uid'),
  transferSyntax: textColumn('transfer_syntax'),
  original: text('original'),
  log: jsonb('log').$type<UploadStep[]>().notNull().default([]),
  createdAt: createdAt(),
  finishedAt: timestampColumn('finished_at'),
});
