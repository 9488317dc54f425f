import { Inject, Injectable } from '@nestjs/common';
import { and, eq, gt, isNull, ne, type SQL, sql } from 'drizzle-orm';
import { DATABASE, type Database, type Transaction } from '../../database/database.module.js';
import { accounts, sessions, tokenFamilies } from '../../database/schema.access.js';
import { NotAuthenticated } from '../../problems/errors.js';
import type { Caller } from '../actor.js';
import type { SignIn } from './sign.in.js';
import { hashOf, newSecret } from '../tokens/tokens.hash.js';

export const SESSION_SECONDS = 30 * 60;

/** Sessions that were used in the last 30 minutes and are not older than 12 hours. */
export const SESSION_LIVES: SQL = sql`(${gt(sessions.lastSeenAt, sql`now() - interval '30 minutes'`)}
  and ${gt(sessions.createdAt, sql`now() - interval '12 hours'`)})`;

/** An account that has proved its identity. `passwordHash` is the hash that the password was checked against; undefined for an external login. */
export interface Proof {
  readonly id: string;
  readonly passwordHash: string | undefined;
}

/**
 * Locks an account until the transaction ends. NotAuthenticated when its password was changed or the account was disabled since the check: such
 * a change ended all sign-ins, and no new one may begin by the old password.
 */
export async function holdProof(transaction: Transaction, { id, passwordHash }: Proof): Promise<void> {
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
}

/** Opens sessions, and ends sessions and token families. */
@Injectable()
export class SignIns {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Opens a session and returns its token for the cookie; only the hash is stored. NotAuthenticated as in {@link holdProof}. */
  async openSession(proof: Proof, caller: Caller): Promise<string> {
    const token = newSecret();
    await this.database.transaction(async (transaction) => {
      await holdProof(transaction, proof);
      const accountId = proof.id;
      await transaction.insert(sessions).values({ accountId, tokenHash: hashOf(token), ...caller });
    });
    return token;
  }

  /** A new session instead of the one whose token the browser has, if it has one. Returns the new token. */
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
