import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  customType,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });
const moment = (name: string) => timestamp(name, { withTimezone: true });
const made = () => moment('created_at').notNull().defaultNow();
const id = () => uuid('id').primaryKey().defaultRandom();
const serial = () => bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity();
const word = (name: string) => text(name).notNull().default('');
const words = (name: string) =>
  text(name)
    .array()
    .notNull()
    .default(sql`'{}'`);
const count = (name: string) => integer(name).notNull().default(0);

/** People and machine accounts. */
export const accounts = pgTable('accounts', {
  id: id(),
  kind: text('kind', { enum: ['person', 'machine'] }).notNull(),
  name: text('name').notNull(),
  displayName: word('display_name'),
  passwordHash: text('password_hash'),
  disabled: boolean('disabled').notNull().default(false),
  patientIssuer: text('patient_issuer'),
  patientId: text('patient_id'),
  institution: text('institution'),
  issuer: text('issuer'),
  createdAt: made(),
});

export const groups = pgTable('groups', {
  id: id(),
  name: text('name').notNull(),
  description: word('description'),
  createdAt: made(),
});

export const memberships = pgTable(
  'memberships',
  { groupId: uuid('group_id').notNull(), accountId: uuid('account_id').notNull() },
  (table) => [primaryKey({ columns: [table.groupId, table.accountId] })],
);

/** right × scope, held by a group, optionally until a date. */
export const grants = pgTable('grants', {
  id: id(),
  groupId: uuid('group_id').notNull(),
  rights: text('rights').array().notNull(),
  scopeKind: text('scope_kind').notNull(),
  studyUid: text('study_uid'),
  issuer: text('issuer'),
  patientId: text('patient_id'),
  institution: text('institution'),
  modality: text('modality'),
  until: moment('until'),
  createdAt: made(),
});

export const apiKeys = pgTable('api_keys', {
  id: id(),
  accountId: uuid('account_id').notNull(),
  name: word('name'),
  keyHash: bytea('key_hash').notNull().unique(),
  expiresAt: moment('expires_at'),
  lastUsedAt: moment('last_used_at'),
  createdAt: made(),
});

export const sessions = pgTable('sessions', {
  id: id(),
  tokenHash: bytea('token_hash').notNull().unique(),
  accountId: uuid('account_id').notNull(),
  createdAt: made(),
  lastSeenAt: moment('last_seen_at').notNull().defaultNow(),
});

export const tokenFamilies = pgTable('token_families', {
  id: uuid('id').primaryKey(),
  accountId: uuid('account_id').notNull(),
  createdAt: made(),
  revokedAt: moment('revoked_at'),
});

export const refreshTokens = pgTable('refresh_tokens', {
  tokenHash: bytea('token_hash').primaryKey(),
  family: uuid('family').notNull(),
  accountId: uuid('account_id').notNull(),
  createdAt: made(),
  expiresAt: moment('expires_at').notNull(),
  usedAt: moment('used_at'),
});

export const loginFailures = pgTable('login_failures', {
  subject: text('subject').primaryKey(),
  failures: integer('failures').notNull(),
  windowStart: moment('window_start').notNull(),
});

export const signingKeys = pgTable('signing_keys', {
  kid: text('kid').primaryKey(),
  publicJwk: jsonb('public_jwk').notNull(),
  privateSealed: bytea('private_sealed').notNull(),
  createdAt: made(),
  retiredAt: moment('retired_at'),
});

export const storedSecrets = pgTable('stored_secrets', {
  name: text('name').primaryKey(),
  sealed: bytea('sealed').notNull(),
});

/** One row a (issuer, PatientID); a study without PatientID has a patient of its own. */
export const patients = pgTable('patients', {
  id: serial(),
  issuer: text('issuer').notNull(),
  patientId: text('patient_id').notNull(),
  soleStudyUid: text('sole_study_uid'),
});

/** Columns named `*_key` are folded (case, accents) for search; a study without instances is a reservation. */
export const studies = pgTable('studies', {
  id: serial(),
  studyUid: text('study_uid').notNull().unique(),
  patient: bigint('patient', { mode: 'number' }).notNull(),
  orthancId: text('orthanc_id'),
  createdBy: uuid('created_by'),
  createdAt: made(),
  institution: word('institution'),
  patientName: word('patient_name'),
  patientNameKey: word('patient_name_key'),
  patientBirthDate: word('patient_birth_date'),
  patientSex: word('patient_sex'),
  studyDate: word('study_date'),
  studyTime: word('study_time'),
  studyId: word('study_id'),
  accessionNumber: word('accession_number'),
  studyDescription: word('study_description'),
  studyDescriptionKey: word('study_description_key'),
  referringPhysician: word('referring_physician'),
  referringPhysicianKey: word('referring_physician_key'),
  modalities: words('modalities'),
  imageModalities: words('image_modalities'),
  seriesCount: count('series_count'),
  instanceCount: count('instance_count'),
  revision: bigint('revision', { mode: 'number' }).notNull().default(0),
});

export const series = pgTable('series', {
  id: serial(),
  seriesUid: text('series_uid').notNull().unique(),
  study: bigint('study', { mode: 'number' }).notNull(),
  orthancId: text('orthanc_id'),
  modality: word('modality'),
  seriesNumber: integer('series_number'),
  seriesDescription: word('series_description'),
  seriesDescriptionKey: word('series_description_key'),
  seriesDate: word('series_date'),
  seriesTime: word('series_time'),
  bodyPart: word('body_part'),
  laterality: word('laterality'),
  protocolName: word('protocol_name'),
  performedDate: word('performed_date'),
  performedTime: word('performed_time'),
  instanceCount: count('instance_count'),
  revision: bigint('revision', { mode: 'number' }).notNull().default(0),
});

export const instances = pgTable('instances', {
  id: serial(),
  sopUid: text('sop_uid').notNull().unique(),
  series: bigint('series', { mode: 'number' }).notNull(),
  sopClassUid: text('sop_class_uid').notNull(),
  modality: word('modality'),
  transferSyntax: text('transfer_syntax').notNull(),
  instanceNumber: integer('instance_number'),
  pixelRows: integer('pixel_rows'),
  pixelColumns: integer('pixel_columns'),
  bitsAllocated: integer('bits_allocated'),
  frames: count('frames'),
  orthancId: text('orthanc_id').notNull().unique(),
  size: bigint('size', { mode: 'number' }),
  sha256: bytea('sha256'),
  storedBy: uuid('stored_by'),
  storedAt: moment('stored_at').notNull().defaultNow(),
});

/** Keys reserved while an instance is on its way into the archive; what is left after `expires_at` was cut off. */
export const pending = pgTable('pending', {
  sopUid: text('sop_uid').primaryKey(),
  series: bigint('series', { mode: 'number' }).notNull(),
  holder: uuid('holder').notNull(),
  accountId: uuid('account_id'),
  sha256: bytea('sha256'),
  expiresAt: moment('expires_at').notNull(),
});

/** Where the watcher stands in the archive's feed of changes. */
export const archiveCursor = pgTable('archive_cursor', {
  sole: boolean('sole').primaryKey().default(true),
  archive: text('archive').notNull(),
  position: bigint('position', { mode: 'number' }).notNull(),
});

/** Append-only; `xact` lets the sealer wait for late commits. */
export const audit = pgTable('audit', {
  id: bigint('id', { mode: 'number' }).generatedAlwaysAsIdentity(),
  at: moment('at')
    .notNull()
    .default(sql`clock_timestamp()`),
  kind: text('kind', { enum: ['answer', 'opened', 'totals', 'refused'] }).notNull(),
  accountId: uuid('account_id'),
  accountName: text('account_name'),
  via: text('via'),
  address: text('address').notNull(),
  client: word('client'),
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

/** Versions of mapping documents; a version never changes. */
export const mappings = pgTable('mappings', {
  id: id(),
  name: text('name').notNull(),
  version: integer('version').notNull(),
  document: jsonb('document').notNull(),
  createdBy: uuid('created_by'),
  createdAt: made(),
});

export const IMPORT_STATUS = [
  'inspecting',
  'rehearsed',
  'queued',
  'running',
  'completed',
  'completed_with_errors',
  'cancelled',
  'failed',
  'undone',
] as const;

export const imports = pgTable('imports', {
  id: uuid('id').primaryKey(),
  accountId: uuid('account_id'),
  accountName: text('account_name').notNull(),
  fileName: word('file_name'),
  sha256: bytea('sha256').notNull(),
  bytes: bigint('bytes', { mode: 'number' }).notNull(),
  mapping: uuid('mapping').notNull(),
  mode: text('mode', { enum: ['commit', 'rehearse'] }).notNull(),
  asOf: text('as_of'),
  encoding: text('encoding'),
  sameness: bytea('sameness').unique(),
  idempotencyKey: text('idempotency_key'),
  status: text('status', { enum: IMPORT_STATUS }).notNull(),
  failure: text('failure'),
  source: jsonb('source'),
  rowsTotal: count('rows_total'),
  run: count('run'),
  createdAt: made(),
  finishedAt: moment('finished_at'),
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

/** The rows of an import as they were read, sealed, and how many of them ended how. */
export const importChunks = pgTable(
  'import_chunks',
  {
    importId: uuid('import_id').notNull(),
    chunk: integer('chunk').notNull(),
    sealed: bytea('sealed').notNull(),
    runDone: count('run_done'),
    creating: integer('creating')
      .array()
      .notNull()
      .default(sql`'{}'`),
    created: count('created'),
    updated: count('updated'),
    unchanged: count('unchanged'),
    rejected: count('rejected'),
    waiting: count('waiting'),
    duplicate: count('duplicate'),
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
  },
  (table) => [primaryKey({ columns: [table.importId, table.row] })],
);

/** What an import wrote to the FHIR server, so that it can be undone. */
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

/** Progress as it was told, with numbers and no word of a row. */
export const importEvents = pgTable('import_events', {
  id: serial(),
  importId: uuid('import_id').notNull(),
  at: moment('at')
    .notNull()
    .default(sql`clock_timestamp()`),
  data: jsonb('data').notNull(),
});

export const TERM_STATES = ['unmapped', 'ambiguous', 'decided', 'ignored'] as const;

/** The inbox of words, and what people decided they mean. */
export const terms = pgTable('terms', {
  id: id(),
  language: text('language', { enum: ['pt', 'en', 'es'] }).notNull(),
  folded: text('folded').notNull(),
  word: text('word').notNull(),
  sourceColumn: text('source_column').notNull(),
  state: text('state', { enum: TERM_STATES }).notNull(),
  target: jsonb('target'),
  decidedBy: text('decided_by'),
  decidedAt: moment('decided_at'),
  createdAt: made(),
});
