import { boolean, integer, jsonb, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { bytea, timestampColumn, createdAt, id, textColumn, textArray } from './schema.columns.js';

/** How a person proved their identity at a sign-in. */
const signedInBy = () =>
  text('signed_in_by', { enum: ['password', 'second-factor', 'external'] })
    .notNull()
    .default('password');

/** People and machine accounts. */
export const accounts = pgTable('accounts', {
  id: id(),
  kind: text('kind', { enum: ['person', 'machine'] }).notNull(),
  name: text('name').notNull(),
  displayName: textColumn('display_name'),
  passwordHash: text('password_hash'),
  disabled: boolean('disabled').notNull().default(false),
  patientIssuer: text('patient_issuer'),
  patientId: text('patient_id'),
  institution: text('institution'),
  issuer: text('issuer'),
  createdAt: createdAt(),
  externalIssuer: text('external_issuer'),
  externalSubject: text('external_subject'),
  externalAt: timestampColumn('external_at'),
  silentAfterMinutes: integer('silent_after_minutes'),
  silentSince: timestampColumn('silent_since'),
  organisation: textColumn('organisation'),
  nameWithheld: boolean('name_withheld').notNull().default(false),
});

/** The removed accounts whose name is withheld from patients. */
export const withheldNames = pgTable('withheld_names', { accountId: uuid('account_id').primaryKey() });

export const groups = pgTable('groups', {
  id: id(),
  name: text('name').notNull(),
  description: textColumn('description'),
  createdAt: createdAt(),
  requiresSecondFactor: boolean('requires_second_factor').notNull().default(false),
});

export const memberships = pgTable(
  'memberships',
  {
    groupId: uuid('group_id').notNull(),
    accountId: uuid('account_id').notNull(),
    external: boolean('external').notNull().default(false),
  },
  (table) => [primaryKey({ columns: [table.groupId, table.accountId] })],
);

/** The rights of groups. Each grant has a scope and can have an end date. */
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
  until: timestampColumn('until'),
  createdAt: createdAt(),
});

export const apiKeys = pgTable('api_keys', {
  id: id(),
  accountId: uuid('account_id').notNull(),
  name: textColumn('name'),
  keyHash: bytea('key_hash').notNull().unique(),
  expiresAt: timestampColumn('expires_at'),
  lastUsedAt: timestampColumn('last_used_at'),
  ranges: textArray('ranges'),
  createdAt: createdAt(),
});

export const sessions = pgTable('sessions', {
  id: id(),
  tokenHash: bytea('token_hash').notNull().unique(),
  accountId: uuid('account_id').notNull(),
  createdAt: createdAt(),
  lastSeenAt: timestampColumn('last_seen_at').notNull().defaultNow(),
  address: textColumn('address'),
  client: textColumn('client'),
  signedInBy: signedInBy(),
});

export const tokenFamilies = pgTable('token_families', {
  id: uuid('id').primaryKey(),
  accountId: uuid('account_id').notNull(),
  createdAt: createdAt(),
  revokedAt: timestampColumn('revoked_at'),
  address: textColumn('address'),
  client: textColumn('client'),
  signedInBy: signedInBy(),
});

export const refreshTokens = pgTable('refresh_tokens', {
  tokenHash: bytea('token_hash').primaryKey(),
  family: uuid('family').notNull(),
  accountId: uuid('account_id').notNull(),
  createdAt: createdAt(),
  expiresAt: timestampColumn('expires_at').notNull(),
  usedAt: timestampColumn('used_at'),
});

export const loginFailures = pgTable('login_failures', {
  subject: text('subject').primaryKey(),
  failures: integer('failures').notNull(),
  windowStart: timestampColumn('window_start').notNull(),
});

export const signingKeys = pgTable('signing_keys', {
  kid: text('kid').primaryKey(),
  publicJwk: jsonb('public_jwk').notNull(),
  /** Null for a key that was loaded from a file. */
  privateSealed: bytea('private_sealed'),
  createdAt: createdAt(),
  retiredAt: timestampColumn('retired_at'),
});

export const storedSecrets = pgTable('stored_secrets', {
  name: text('name').primaryKey(),
  sealed: bytea('sealed').notNull(),
});
