import { sql } from 'drizzle-orm';
import { bigint, boolean, integer, jsonb, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { bytea, timestampColumn, createdAt, id, serial, textColumn, countColumn } from './schema.columns.js';

/** Versions of mapping documents. A version never changes. */
export const mappings = pgTable('mappings', {
  id: id(),
  name: text('name').notNull(),
  version: integer('version').notNull(),
  document: jsonb('document').notNull(),
  createdBy: uuid('created_by'),
  createdAt: createdAt(),
});

export const IMPORT_STATUS = [
  'inspecting',
  'needs_mapping',
  'rehearsed',
  'queued',
  'running',
  'completed',
  'completed_with_errors',
  'cancelled',
  'failed',
  'undone',
] as const;

/**
 * Who chose the mapping of an import: the upload, the columns of the file, an earlier list with the same columns, or a person. `open`:
 * nobody has chosen yet.
 */
export const MAPPING_CHOICES = ['named', 'open', 'columns', 'earlier', 'person'] as const;

export const imports = pgTable('imports', {
  id: uuid('id').primaryKey(),
  accountId: uuid('account_id'),
  accountName: text('account_name').notNull(),
  fileName: textColumn('file_name'),
  sha256: bytea('sha256').notNull(),
  bytes: bigint('bytes', { mode: 'number' }).notNull(),
  mapping: uuid('mapping'),
  mappingChoice: text('mapping_choice', { enum: MAPPING_CHOICES }).notNull().default('named'),
  proposal: bytea('proposal'),
  proposedAt: timestampColumn('proposed_at'),
  mode: text('mode', { enum: ['commit', 'rehearse'] }).notNull(),
  asOf: text('as_of'),
  encoding: text('encoding'),
  corrections: text('corrections', { enum: ['reject', 'amend'] })
    .notNull()
    .default('reject'),
  facility: text('facility'),
  sheet: text('sheet'),
  sameness: bytea('sameness').unique(),
  idempotencyKey: text('idempotency_key'),
  status: text('status', { enum: IMPORT_STATUS }).notNull(),
  failure: text('failure'),
  failureColumns: text('failure_columns').array().notNull().default([]),
  source: jsonb('source'),
  rowsTotal: countColumn('rows_total'),
  run: countColumn('run'),
  again: jsonb('again'),
  undoing: text('undoing', { enum: ['asked', 'stuck'] }),
  createdAt: createdAt(),
  finishedAt: timestampColumn('finished_at'),
  forgottenAt: timestampColumn('forgotten_at'),
});

export const ROW_STATES = [
  'pending',
  'created',
  'updated',
  'unchanged',
  'rejected',
  'waiting',
  'duplicate',
] as const;

/**
 * Chunks of the rows of an import, encrypted. `plans` contains the results of mapping these rows, also encrypted. Each count is the number
 * of rows with one outcome.
 */
export const importChunks = pgTable(
  'import_chunks',
  {
    importId: uuid('import_id').notNull(),
    chunk: integer('chunk').notNull(),
    sealed: bytea('sealed').notNull(),
    plans: bytea('plans'),
    runDone: countColumn('run_done'),
    sent: jsonb('sent').notNull().default({}),
    created: countColumn('created'),
    updated: countColumn('updated'),
    unchanged: countColumn('unchanged'),
    rejected: countColumn('rejected'),
    waiting: countColumn('waiting'),
    duplicate: countColumn('duplicate'),
    reasons: jsonb('reasons').notNull().default({}),
  },
  (table) => [primaryKey({ columns: [table.importId, table.chunk] })],
);

export const importRows = pgTable(
  'import_rows',
  {
    importId: uuid('import_id').notNull(),
    row: integer('row').notNull(),
    chunk: integer('chunk').notNull(),
    state: text('state', { enum: ROW_STATES }).notNull(),
    patient: text('patient'),
    content: text('content'),
    issues: jsonb('issues').notNull().default([]),
    changes: bytea('changes'),
    leader: integer('leader'),
    others: text('others').array(),
    about: text('about'),
    decided: bigint('decided', { mode: 'number' }),
    person: text('person'),
  },
  (table) => [primaryKey({ columns: [table.importId, table.row] })],
);

/** The changes that the rows make, encrypted. There is one entry for each bundle. */
export const importChanges = pgTable('import_changes', {
  id: serial(),
  importId: uuid('import_id').notNull(),
  chunk: integer('chunk').notNull(),
  sealed: bytea('sealed').notNull(),
});

/** The resources that an import wrote to the FHIR server. An undo uses this list. */
export const importWrites = pgTable('import_writes', {
  id: serial(),
  importId: uuid('import_id').notNull(),
  row: integer('row').notNull(),
  kind: text('kind').notNull(),
  resourceId: text('resource_id').notNull(),
  versionBefore: text('version_before'),
  versionAfter: text('version_after').notNull(),
  undone: boolean('undone'),
});

/** Progress events of an import. These events contain only numbers and no text from rows. */
export const importEvents = pgTable('import_events', {
  id: serial(),
  importId: uuid('import_id').notNull(),
  at: timestampColumn('at')
    .notNull()
    .default(sql`clock_timestamp()`),
  data: jsonb('data').notNull(),
});

export const REVIEW_DECISIONS = ['same', 'new', 'reject'] as const;

/**
 * Rows whose identifier belongs to a patient with other facts, and the decisions about them. `person` and `pair` are keyed digests. `sides`
 * contains the facts of both patients, encrypted. `since` is the position in `import_writes` at the time of the decision. `candidates` are
 * the ids of the Patients on the FHIR server if the row fits several of them. `chosen` is the chosen one.
 */
export const importReviews = pgTable('import_reviews', {
  id: id(),
  person: text('person').notNull(),
  pair: text('pair').notNull(),
  disputed: text('disputed').array().notNull(),
  differences: text('differences').array().notNull(),
  sides: bytea('sides'),
  decision: text('decision', { enum: REVIEW_DECISIONS }),
  undoing: boolean('undoing').notNull().default(false),
  since: bigint('since', { mode: 'number' }),
  candidates: text('candidates').array(),
  chosen: text('chosen'),
  decidedBy: text('decided_by'),
  decidedAt: timestampColumn('decided_at'),
  createdAt: createdAt(),
});

/** The rows of a review. `otherRow` is the row of the same file that the row contradicts. */
export const importReviewRows = pgTable(
  'import_review_rows',
  {
    importId: uuid('import_id').notNull(),
    row: integer('row').notNull(),
    review: uuid('review').notNull(),
    otherRow: integer('other_row'),
  },
  (table) => [primaryKey({ columns: [table.importId, table.row] })],
);

export const TERM_STATES = ['unmapped', 'ambiguous', 'decided', 'ignored'] as const;

/** The inbox of words, and the decisions about the meaning of these words. */
export const terms = pgTable('terms', {
  id: id(),
  language: text('language', { enum: ['pt', 'en', 'es'] }).notNull(),
  folded: text('folded').notNull(),
  word: text('word').notNull(),
  sourceColumn: text('source_column').notNull(),
  state: text('state', { enum: TERM_STATES }).notNull(),
  target: jsonb('target'),
  checked: boolean('checked').notNull().default(false),
  decidedBy: text('decided_by'),
  decidedAccount: uuid('decided_account'),
  reason: text('reason'),
  revision: countColumn('revision'),
  decidedAt: timestampColumn('decided_at'),
  createdAt: createdAt(),
});

/** Cached responses of a terminology server, with their expiry. */
export const terminologyAnswers = pgTable('terminology_answers', {
  key: bytea('key').primaryKey(),
  answer: jsonb('answer').notNull(),
  expiresAt: timestampColumn('expires_at').notNull(),
});

/** The words from which an import made each Condition and Observation. `record` is empty for an ignored word. */
export const wordUses = pgTable('word_uses', {
  id: serial(),
  importId: uuid('import_id').notNull(),
  row: integer('row').notNull(),
  record: text('record').notNull(),
  kind: text('kind', { enum: ['', 'Condition', 'Observation'] }).notNull(),
  term: uuid('term'),
  revision: countColumn('revision'),
  sent: jsonb('sent'),
});

/** ConceptMaps from ICD-10 to SNOMED CT. `activeSince` is null while a map is being loaded. */
export const codeMaps = pgTable('code_maps', {
  id: id(),
  url: text('url').notNull(),
  version: text('version').notNull(),
  activeSince: timestampColumn('active_since'),
  codes: countColumn('codes'),
  usable: countColumn('usable'),
  leftOut: countColumn('left_out'),
  loadedBy: text('loaded_by').notNull(),
  createdAt: createdAt(),
});
