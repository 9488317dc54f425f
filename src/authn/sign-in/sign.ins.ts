import { Inject, Injectable } from '@nestjs/common';
import { and, eq, gt, isNull, ne, type SQL, sql } from 'drizzle-orm';
import { DATABASE, type Database, type Transaction } from '../../database/database.module.js';
import { accounts, sessions, tokenFamilies } from '../../database/schema.access.js';
import { NotAuthenticated } from '../../problems/errors.js';
import type { Caller } from '../actor.js';
import { factorNeedOf, needsFactor } from '../second-factor/factor.need.js';
import type { SignIn } from './sign.in.js';
import { hashOf, newSecret } from '../tokens/tokens.hash.js';

export const SESSION_SECONDS = 30 * 60;

/** The condition for a valid session: it was used in the last 30 minutes and is not older than 12 hours. */
export const SESSION_LIVES: SQL = sql`(${gt(sessions.lastSeenAt, sql`now() - interval '30 minutes'`)}
  and ${gt(sessions.createdAt, sql`now() - interval '12 hours'`)})`;

/** An account whose identity was proved. */
export interface Proof {
  readonly id: string;
  /** The stored hash that the password matched, or undefined for an external login. */
  readonly passwordHash: string | undefined;
  /** How the identity was proved. A sign-in by password alone ends when the account needs a second factor. */
  readonly by: (typeof sessions.$inferInsert)['signedInBy'];
  /** Marks the second factor as used, in the transaction that starts the sign-in. Throws NotAuthenticated if it was used meanwhile. */
  readonly settle?: (transaction: Transaction) => Promise<void>;
}

/**
 * Locks an account until the transaction ends. Throws NotAuthenticated when the account was disabled or its password was changed after the
 * check of the password. Such a change has ended all sign-ins, so the old password must not start another sign-in. For the same reason,
 * throws NotAuthenticated when a second factor has become necessary after the check.
 */
export async function holdProof(transaction: Transaction, proof: Proof): Promise<void> {
  const { id, passwordHash } = proof;
  const [held] = await transaction
    .select({ id: accounts.id })
    .from(accounts)
    .where(
      and(
        eq(accounts.id, id),
        eq(accounts.disabled, false),
        passwordHash === undefined ? undefined : eq(accounts.passwordHash, passwordHash),
      ),
    )
    .for('share');
  if (held === undefined) throw new NotAuthenticated();
  if (proof.by === 'password' && needsFactor(await factorNeedOf(transaction, id)))
    throw new NotAuthenticated();
  await proof.settle?.(transaction);
}

/** Opens sessions, and ends sessions and token families. */
@Injectable()
export class SignIns {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * Opens a session and returns the session token for the cookie. Only the hash of the token is stored. Throws NotAuthenticated under the
   * same conditions as {@link holdProof}.
   */
  async openSession(proof: Proof, caller: Caller): Promise<string> {
    const token = newSecret();
    await this.database.transaction(async (transaction) => {
      await holdProof(transaction, proof);
      const accountId = proof.id;
      await transaction
        .insert(sessions)
        .values({ accountId, tokenHash: hashOf(token), signedInBy: proof.by, ...caller });
    });
    return token;
  }

  /**
   * Opens a session and deletes the earlier session of the browser, if there is one. `earlier` is the token of the earlier session. Returns
   * the new token.
   */
  async replaceSession(earlier: string | undefined, proof: Proof, caller: Caller): Promise<string> {
    if (earlier !== undefined)
      await this.database.delete(sessions).where(eq(sessions.tokenHash, hashOf(earlier)));
    return this.openSession(proof, caller);
  }

  /** Ends one sign-in: the session, or the token family with its access tokens. */
  async end({ ends }: SignIn, transaction: Transaction): Promise<void> {
    if (ends.kind === 'session') await transaction.delete(sessions).where(eq(sessions.id, ends.id));
    if (ends.kind === 'family') await revoke(transaction, eq(tokenFamilies.id, ends.id));
  }

  /** Ends every session and token family of an account except `keep`. */
  async endAll(accountId: string, keep: SignIn['ends'] | undefined, transaction: Transaction): Promise<void> {
    const kept = (kind: 'session' | 'family') => (keep?.kind === kind ? keep.id : undefined);
    const session = kept('session');
    const family = kept('family');
    await transaction
      .delete(sessions)
      .where(
        and(eq(sessions.accountId, accountId), session === undefined ? undefined : ne(sessions.id, session)),
      );
    await revoke(
      transaction,
      and(
        eq(tokenFamilies.accountId, accountId),
        family === undefined ? undefined : ne(tokenFamilies.id, family),
      ),
    );
  }
}

async function revoke(transaction: Transaction, which: SQL | undefined): Promise<void> {
  await transaction
    .update(tokenFamilies)
    .set({ revokedAt: sql`now()` })
    .where(and(which, isNull(tokenFamilies.revokedAt)));
}
