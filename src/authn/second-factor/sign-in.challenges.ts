import { Inject, Injectable } from '@nestjs/common';
import { and, eq, gt, lt, notInArray, desc, sql } from 'drizzle-orm';
import { DATABASE, type Database, type Transaction } from '../../database/database.module.js';
import { accounts } from '../../database/schema.access.js';
import { signInChallenges } from '../../database/schema.factors.js';
import { ChallengeEnded } from '../../problems/errors.js';
import type { Person } from '../sign-in/login.service.js';
import { hashOf, newSecret } from '../tokens/tokens.hash.js';

export const CHALLENGE_SECONDS = 300;
export const CHALLENGE_LIFE = sql.raw(`interval '${CHALLENGE_SECONDS} seconds'`);
const MAX_ATTEMPTS = 5;
/** Open challenges of one account. A further one replaces the oldest. */
const MAX_OPEN = 20;
const PREFIX = 'rgc_';

/** A sign-in that waits for its second factor. */
export interface OpenChallenge {
  readonly tokenHash: Buffer;
  readonly person: Person;
  readonly enrols: boolean;
  readonly session: boolean;
  readonly passkeyChallenge: string | null;
  readonly enrolmentId: string | null;
}

const IS_YOUNG = gt(signInChallenges.createdAt, sql`now() - ${CHALLENGE_LIFE}`);
const HAS_ATTEMPTS = lt(signInChallenges.attempts, MAX_ATTEMPTS);

/**
 * The challenges of sign-ins. They are rows, so they survive a restart and all gateways share them. Only the hash of a challenge is stored.
 * Methods throw {@link ChallengeEnded} for an unknown, expired or used challenge, and after five attempts.
 */
@Injectable()
export class SignInChallenges {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Opens a challenge for a person whose password was right. Returns the challenge for the client. */
  async open(
    { id: accountId, passwordHash = '' }: Person,
    facts: { readonly enrols: boolean; readonly session: boolean; readonly passkeyChallenge: string | null },
  ): Promise<string> {
    const token = newSecret(PREFIX);
    const tokenHash = hashOf(token);
    await this.database
      .insert(signInChallenges)
      .values({ ...facts, tokenHash, accountId, passwordMark: hashOf(passwordHash) });
    const newest = this.database
      .select({ tokenHash: signInChallenges.tokenHash })
      .from(signInChallenges)
      .where(eq(signInChallenges.accountId, accountId))
      .orderBy(desc(signInChallenges.createdAt))
      .limit(MAX_OPEN);
    await this.database
      .delete(signInChallenges)
      .where(and(eq(signInChallenges.accountId, accountId), notInArray(signInChallenges.tokenHash, newest)));
    return token;
  }

  /** Finds an open challenge. It has ended if the account was disabled or its password was changed. */
  async find(token: string): Promise<OpenChallenge> {
    const [row] = await this.database
      .select({ challenge: signInChallenges, account: accounts })
      .from(signInChallenges)
      .innerJoin(accounts, eq(accounts.id, signInChallenges.accountId))
      .where(
        and(
          eq(signInChallenges.tokenHash, hashOf(token)),
          IS_YOUNG,
          HAS_ATTEMPTS,
          eq(accounts.disabled, false),
        ),
      );
    const passwordHash = row?.account.passwordHash ?? undefined;
    if (row === undefined || passwordHash === undefined) throw new ChallengeEnded();
    const { challenge, account } = row;
    if (!challenge.passwordMark.equals(hashOf(passwordHash))) throw new ChallengeEnded();
    const { id, name, patientId } = account;
    const { tokenHash, enrols, session, passkeyChallenge, enrolmentId } = challenge;
    return {
      tokenHash,
      person: { id, name, patientId: patientId ?? undefined, passwordHash, by: 'password' },
      enrols,
      session,
      passkeyChallenge,
      enrolmentId,
    };
  }

  /** Counts an attempt before it is checked, so that parallel attempts and a crash cannot exceed the limit. */
  async attempt({ tokenHash }: OpenChallenge): Promise<void> {
    const rows = await this.database
      .update(signInChallenges)
      .set({ attempts: sql`${signInChallenges.attempts} + 1` })
      .where(and(eq(signInChallenges.tokenHash, tokenHash), IS_YOUNG, HAS_ATTEMPTS))
      .returning({ attempts: signInChallenges.attempts });
    if (rows.length === 0) throw new ChallengeEnded();
  }

  /** Notes the factor that the sign-in enrols. */
  async setEnrolment({ tokenHash }: OpenChallenge, enrolmentId: string): Promise<void> {
    await this.database
      .update(signInChallenges)
      .set({ enrolmentId })
      .where(eq(signInChallenges.tokenHash, tokenHash));
  }

  /** Uses a challenge up. Of several parallel uses, one succeeds. */
  async use(transaction: Transaction, { tokenHash }: OpenChallenge): Promise<void> {
    const used = await transaction
      .delete(signInChallenges)
      .where(eq(signInChallenges.tokenHash, tokenHash))
      .returning({ tokenHash: signInChallenges.tokenHash });
    if (used.length === 0) throw new ChallengeEnded();
  }

  /** Uses a challenge up and ends all others of the account. Of several parallel uses for one account, one succeeds. */
  async useAll(transaction: Transaction, { tokenHash, person }: OpenChallenge): Promise<void> {
    const held = await transaction
      .select({ tokenHash: signInChallenges.tokenHash })
      .from(signInChallenges)
      .where(eq(signInChallenges.accountId, person.id))
      .orderBy(signInChallenges.tokenHash)
      .for('update');
    if (!held.some((row) => row.tokenHash.equals(tokenHash))) throw new ChallengeEnded();
    await this.endAll(transaction, person.id);
  }

  /** Ends all challenges of an account. */
  async endAll(transaction: Transaction, accountId: string): Promise<void> {
    await transaction.delete(signInChallenges).where(eq(signInChallenges.accountId, accountId));
  }
}
