import { Inject, Injectable } from '@nestjs/common';
import { and, eq, gt, isNull, lt, or, sql } from 'drizzle-orm';
import { DATABASE, type Database } from '../database/database.module.js';
import { accounts, apiKeys, sessions, tokenFamilies } from '../database/schema.access.js';
import { NotAuthenticated } from '../problems/errors.js';
import type { Account } from './account.js';
import { isAdmitted } from './keys/address.ranges.js';
import { SESSION_LIVES } from './sign-in/sign.ins.js';
import type { SignIn } from './sign-in/sign.in.js';
import { hashOf } from './tokens/tokens.hash.js';

const ACCOUNT = {
  id: accounts.id,
  kind: accounts.kind,
  name: accounts.name,
  patientIssuer: accounts.patientIssuer,
  patientId: accounts.patientId,
  institution: accounts.institution,
  issuer: accounts.issuer,
};
type AccountRow = Pick<typeof accounts.$inferSelect, keyof typeof ACCOUNT>;

/** One minute ago. A later time of last use is not updated, because an update for each request would cost more than the request itself. */
const STALE = sql`now() - interval '1 minute'`;

/**
 * Finds the account of a credential. Each request repeats this lookup, with one indexed statement. A disabled account or an ended sign-in
 * is therefore rejected from the next request. All methods throw {@link NotAuthenticated} when they find no account.
 */
@Injectable()
export class AccountLookup {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Finds the account by the account id and the token family in an access token. */
  async byFamily(accountId: string, familyId: string): Promise<SignIn> {
    const [row] = await this.database
      .select(ACCOUNT)
      .from(accounts)
      .innerJoin(tokenFamilies, eq(tokenFamilies.accountId, accounts.id))
      .where(
        and(
          eq(accounts.id, accountId),
          eq(accounts.disabled, false),
          eq(tokenFamilies.id, familyId),
          isNull(tokenFamilies.revokedAt),
        ),
      );
    return { account: accountOf(row, 'token'), ends: { kind: 'family', id: familyId } };
  }

  /** Finds the account by the token in the session cookie. Each use restarts the 30 minutes after which an unused session expires. */
  async bySession(token: string): Promise<SignIn> {
    const [row] = await this.database
      .select({ ...ACCOUNT, sessionId: sessions.id, stale: sql<boolean>`${sessions.lastSeenAt} < ${STALE}` })
      .from(sessions)
      .innerJoin(accounts, eq(accounts.id, sessions.accountId))
      .where(and(eq(sessions.tokenHash, hashOf(token)), SESSION_LIVES, eq(accounts.disabled, false)));
    if (row === undefined) throw new NotAuthenticated();
    const account = accountOf(row, 'session');
    if (row.stale)
      await this.database
        .update(sessions)
        .set({ lastSeenAt: sql`now()` })
        .where(and(eq(sessions.id, row.sessionId), lt(sessions.lastSeenAt, STALE)));
    return { account, ends: { kind: 'session', id: row.sessionId } };
  }

  /**
   * Finds the machine account by an API key. The key must be allowed for the address. If `name` is given (Basic), the key must belong to
   * the account with this name.
   */
  async byKey(key: string, address: string, name?: string): Promise<SignIn> {
    const [row] = await this.database
      .select({
        ...ACCOUNT,
        keyId: apiKeys.id,
        ranges: apiKeys.ranges,
        stale: sql<boolean>`coalesce(${apiKeys.lastUsedAt} < ${STALE}, true)`,
      })
      .from(apiKeys)
      .innerJoin(accounts, eq(accounts.id, apiKeys.accountId))
      .where(
        and(
          eq(apiKeys.keyHash, hashOf(key)),
          or(isNull(apiKeys.expiresAt), gt(apiKeys.expiresAt, sql`now()`)),
          eq(accounts.disabled, false),
        ),
      );
    if (row === undefined) throw new NotAuthenticated();
    if (!isAdmitted(address, row.ranges)) throw new NotAuthenticated();
    const account = accountOf(row, 'key');
    if (name !== undefined && name.toLowerCase() !== account.name.toLowerCase()) throw new NotAuthenticated();
    if (row.stale)
      await this.database
        .update(apiKeys)
        .set({ lastUsedAt: sql`now()` })
        .where(and(eq(apiKeys.id, row.keyId), or(isNull(apiKeys.lastUsedAt), lt(apiKeys.lastUsedAt, STALE))));
    return { account, ends: { kind: 'key', id: row.keyId }, address };
  }
}

/** Converts a row to an account. Throws NotAuthenticated when the row is undefined. */
export function accountOf(row: AccountRow | undefined, via: Account['via']): Account {
  if (row === undefined) throw new NotAuthenticated();
  const { patientIssuer: issuer, patientId } = row;
  return {
    id: row.id,
    kind: row.kind,
    name: row.name,
    via,
    patient: issuer === null || patientId === null ? undefined : { issuer, patientId },
    institution: row.institution ?? undefined,
    issuer: row.issuer ?? undefined,
  };
}
