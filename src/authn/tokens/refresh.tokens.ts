import { randomUUID } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { and, eq, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import { DATABASE, type Database, type Transaction } from '../../database/database.module.js';
import { accounts, refreshTokens, tokenFamilies } from '../../database/schema.access.js';
import { audit } from '../../database/schema.audit.js';
import { NotAuthenticated } from '../../problems/errors.js';
import type { Caller, Requester } from '../actor.js';
import { StoredSecrets } from './stored.secrets.js';
import { holdProof, type Proof } from '../sign-in/sign.ins.js';
import { hashOf, macOf, newSecret } from './tokens.hash.js';

/** A new refresh token with its family and account. */
export interface Refreshed {
  readonly refreshToken: string;
  readonly familyId: string;
  readonly accountId: string;
  readonly name: string;
  readonly patientId: string | undefined;
}

const PREFIX = 'rgr_';
const SECRET = 'refresh successor';
/** A refresh token expires seven days after it was issued. All tokens of a family expire thirty days after the login. */
const TOKEN_LIFE = sql.raw(`interval '7 days'`);
const FAMILY_LIFE = sql.raw(`interval '30 days'`);
/** The maximum number of valid token families of one account. */
const MAX_FAMILIES = 100;
const GRACE = sql.raw(`interval '10 seconds'`);

const Row = z.object({
  family: z.uuid(),
  account: z.uuid(),
  name: z.string(),
  patient: z.string().nullable(),
});

/**
 * Refresh tokens that work once (RFC 9700 §4.14.2). The successor of a token is HMAC(stored secret, presented token). If a response is lost
 * and the client repeats the request within ten seconds, the gateway computes the same successor again. Only the hash of the successor is
 * stored.
 */
@Injectable()
export class RefreshTokens {
  private readonly logger = new Logger('authn');

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly secrets: StoredSecrets,
  ) {}

  /**
   * Starts a family and returns its first token. Throws NotAuthenticated when the account was disabled or its password was changed after
   * the check of the password.
   */
  async start(proof: Proof, caller: Caller): Promise<{ refreshToken: string; familyId: string }> {
    const { id: accountId } = proof;
    const familyId = randomUUID();
    const refreshToken = newSecret(PREFIX);
    await this.database.transaction(async (transaction) => {
      await holdProof(transaction, proof);
      await transaction
        .insert(tokenFamilies)
        .values({ id: familyId, accountId, signedInBy: proof.by, ...caller });
      await transaction.insert(refreshTokens).values({
        tokenHash: hashOf(refreshToken),
        family: familyId,
        accountId,
        expiresAt: sql`now() + ${TOKEN_LIFE}`,
      });
      // End the oldest families, so that a script that signs in for each call does not fill the table.
      await transaction.execute(sql`
        update token_families set revoked_at = now() where id in (
          select id from token_families where account_id = ${accountId} and revoked_at is null
          order by created_at desc, id offset ${MAX_FAMILIES})`);
    });
    return { refreshToken, familyId };
  }

  /**
   * Exchanges a token for its successor. Throws {@link NotAuthenticated} for an invalid token. If a token is used again more than ten
   * seconds after its first use, the family also ends.
   */
  async rotate(presented: string, requester: Requester): Promise<Refreshed> {
    const refreshToken = `${PREFIX}${macOf(await this.secrets.get(SECRET), presented)}`;
    const row = (await this.use(presented, refreshToken)) ?? (await this.repeat(presented, requester));
    return {
      refreshToken,
      familyId: row.family,
      accountId: row.account,
      name: row.name,
      patientId: row.patient ?? undefined,
    };
  }

  /** Ends the family of a token if it belongs to the account. */
  async end(presented: string, accountId: string, transaction: Transaction): Promise<void> {
    const family = transaction
      .select({ id: refreshTokens.family })
      .from(refreshTokens)
      .where(and(eq(refreshTokens.tokenHash, hashOf(presented)), eq(refreshTokens.accountId, accountId)));
    await transaction
      .update(tokenFamilies)
      .set({ revokedAt: sql`now()` })
      .where(and(sql`${tokenFamilies.id} in (${family})`, isNull(tokenFamilies.revokedAt)));
  }

  /**
   * Marks a token as used and stores the hash of its successor, in one statement. If the token is used several times in parallel, only one
   * use finds `used_at` empty.
   */
  private async use(presented: string, successor: string): Promise<z.infer<typeof Row> | undefined> {
    const rows = await this.database.execute(sql`
      with used as (
        update refresh_tokens t set used_at = now()
        from token_families f join accounts a on a.id = f.account_id
        where t.token_hash = ${hashOf(presented)} and t.used_at is null and t.expires_at > now()
          and f.id = t.family and f.revoked_at is null and not a.disabled
        returning t.family, t.account_id, f.created_at as family_start, a.name, a.patient_id
      ), made as (
        insert into refresh_tokens (token_hash, family, account_id, expires_at)
        select ${hashOf(successor)}, family, account_id, least(now() + ${TOKEN_LIFE}, family_start + ${FAMILY_LIFE})
        from used
      )
      select family, account_id as account, name, patient_id as patient from used`);
    return Row.optional().parse(rows[0]);
  }

  /** Handles a token that was used before. If the first use was more than ten seconds ago, the token may be stolen, so the family ends. */
  private async repeat(presented: string, requester: Requester): Promise<z.infer<typeof Row>> {
    const rows = await this.database
      .select({
        family: refreshTokens.family,
        account: refreshTokens.accountId,
        name: accounts.name,
        patient: accounts.patientId,
        inGrace: sql<boolean>`${refreshTokens.usedAt} > now() - ${GRACE}`,
      })
      .from(refreshTokens)
      .innerJoin(tokenFamilies, eq(tokenFamilies.id, refreshTokens.family))
      .innerJoin(accounts, eq(accounts.id, refreshTokens.accountId))
      .where(
        and(
          eq(refreshTokens.tokenHash, hashOf(presented)),
          sql`${refreshTokens.usedAt} is not null`,
          isNull(tokenFamilies.revokedAt),
          eq(accounts.disabled, false),
        ),
      );
    const [row] = rows;
    if (row === undefined) throw new NotAuthenticated();
    if (row.inGrace) return row;
    await this.endStolen(row, requester);
    throw new NotAuthenticated();
  }

  /** Ends the family and writes an audit row, in one transaction. */
  private async endStolen({ family, account, name }: z.infer<typeof Row>, requester: Requester) {
    await this.database.transaction(async (transaction) => {
      const ended = await transaction
        .update(tokenFamilies)
        .set({ revokedAt: sql`now()` })
        .where(and(eq(tokenFamilies.id, family), isNull(tokenFamilies.revokedAt)))
        .returning({ id: tokenFamilies.id });
      if (ended.length === 0) return;
      await transaction.insert(audit).values({
        ...requester,
        accountId: account,
        accountName: name,
        via: 'refresh token',
        kind: 'refused',
        action: 'refresh token reused',
        status: 401,
        detail: { family },
      });
    });
    this.logger.warn({ event: 'refresh token reused', account, family, request_id: requester.requestId });
  }
}
