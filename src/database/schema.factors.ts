import { bigint, boolean, integer, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { bytea, createdAt, id, textArray, timestampColumn } from './schema.columns.js';

/** The second factors of people. A row without `confirmedAt` is an enrolment in progress. */
export const secondFactors = pgTable('second_factors', {
  id: id(),
  accountId: uuid('account_id').notNull(),
  kind: text('kind', { enum: ['totp', 'passkey'] }).notNull(),
  name: text('name').notNull(),
  createdAt: createdAt(),
  confirmedAt: timestampColumn('confirmed_at'),
  lastUsedAt: timestampColumn('last_used_at'),
  secretSealed: bytea('secret_sealed'),
  lastStep: bigint('last_step', { mode: 'number' }),
  registrationChallenge: text('registration_challenge'),
  credentialId: text('credential_id'),
  publicKey: bytea('public_key'),
  signCount: bigint('sign_count', { mode: 'number' }).notNull().default(0),
  transports: textArray('transports'),
});

/** The hashes of recovery codes. */
export const recoveryCodes = pgTable(
  'recovery_codes',
  {
    accountId: uuid('account_id').notNull(),
    codeHash: bytea('code_hash').notNull(),
    usedAt: timestampColumn('used_at'),
  },
  (table) => [primaryKey({ columns: [table.accountId, table.codeHash] })],
);

/** Sign-ins that have the right password and wait for the second factor. */
export const signInChallenges = pgTable('sign_in_challenges', {
  tokenHash: bytea('token_hash').primaryKey(),
  accountId: uuid('account_id').notNull(),
  passwordMark: bytea('password_mark').notNull(),
  enrols: boolean('enrols').notNull(),
  session: boolean('session').notNull(),
  passkeyChallenge: text('passkey_challenge'),
  enrolmentId: uuid('enrolment_id'),
  attempts: integer('attempts').notNull().default(0),
  createdAt: createdAt(),
});
