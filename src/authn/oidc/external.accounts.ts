import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { and, eq, inArray, isNull, lt, or, sql } from 'drizzle-orm';
import { z } from 'zod';
import { AuditLog, type AuditRow } from '../../audit/audit.log.js';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { DATABASE, type Database, type Transaction } from '../../database/database.module.js';
import { accounts, groups, memberships } from '../../database/schema.access.js';
import { NotAuthenticated } from '../../problems/errors.js';
import { endSingleFactorSignIns } from '../second-factor/single.factor.sign.ins.js';
import type { Requester } from '../actor.js';

/** The verified claims of an OpenID Connect provider about a person. */
export const ExternalIdentity = z.looseObject({
  iss: z.string(),
  sub: z.string().min(1).max(255),
  iat: z.number(),
  preferred_username: z.string().optional().catch(undefined),
  email: z.string().optional().catch(undefined),
  name: z.string().optional().catch(undefined),
});
export type ExternalIdentity = z.infer<typeof ExternalIdentity>;

type Row = typeof accounts.$inferSelect;
const Groups = z.union([z.array(z.string()), z.string().transform((one) => [one])]).catch([]);
const LONGEST = 128;

/**
 * The accounts of people who sign in through the OpenID Connect provider. An account is created at the first login. A claim names the
 * groups of the person.
 */
@Injectable()
export class ExternalAccounts {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(ENV) private readonly env: Pick<Env, 'OIDC_GROUP_CLAIM'>,
    private readonly log: AuditLog,
  ) {}

  /**
   * Finds or creates the account of an identity. Updates the groups of the account if the claim is newer than the last claim. The account
   * joins the named groups that exist in the gateway, and leaves groups that only an earlier claim named. Memberships that an administrator
   * created are kept. If `isComplete` is true, an absent claim means that the person has no group. Throws NotAuthenticated for a disabled
   * account.
   */
  async admit(identity: ExternalIdentity, requester: Requester, isComplete: boolean): Promise<Row> {
    const row = (await this.find(identity)) ?? (await this.create(identity, requester));
    if (row.disabled) throw new NotAuthenticated();
    const claim = identity[this.env.OIDC_GROUP_CLAIM];
    if (claim !== undefined || isComplete)
      await this.updateGroups(row, identity.iat, Groups.parse(claim ?? []), requester);
    return row;
  }

  private async find({ iss, sub }: ExternalIdentity, within: Database | Transaction = this.database) {
    const [row] = await within
      .select()
      .from(accounts)
      .where(and(eq(accounts.externalIssuer, iss), eq(accounts.externalSubject, sub)));
    return row;
  }

  /** Creates an account. An existing account with the same name is never used for the identity. */
  private async create(identity: ExternalIdentity, requester: Requester): Promise<Row> {
    const { iss, sub, name } = identity;
    return this.database.transaction(async (transaction) => {
      for (const candidate of namesOf(identity)) {
        const [made] = await transaction
          .insert(accounts)
          .values({
            kind: 'person',
            name: candidate,
            displayName: printable(name ?? '').slice(0, LONGEST),
            externalIssuer: iss,
            externalSubject: sub,
          })
          .onConflictDoNothing()
          .returning();
        const row = made ?? (await this.find(identity, transaction));
        if (made !== undefined)
          await this.log.appendWithin(
            transaction,
            auditRowOf(made, requester, 'account made at first login', 201),
          );
        if (row !== undefined) return row;
      }
      throw new NotAuthenticated();
    });
  }

  /**
   * Updates the memberships if the claim is newer than the last claim. Otherwise an old token could restore a membership that has ended.
   */
  private async updateGroups(
    account: Row,
    issuedAt: number,
    names: readonly string[],
    requester: Requester,
  ): Promise<void> {
    const at = new Date(issuedAt * 1000);
    if (account.externalAt !== null && account.externalAt >= at) return;
    await this.database.transaction(async (transaction) => {
      const [newer] = await transaction
        .update(accounts)
        .set({ externalAt: at })
        .where(and(eq(accounts.id, account.id), or(isNull(accounts.externalAt), lt(accounts.externalAt, at))))
        .returning({ id: accounts.id });
      if (newer === undefined) return;
      const named =
        names.length === 0
          ? []
          : await transaction
              .select({ id: groups.id })
              .from(groups)
              .where(inArray(groups.name, [...names]));
      const ids = named.map(({ id }) => id);
      const left = await transaction
        .delete(memberships)
        .where(
          and(
            eq(memberships.accountId, account.id),
            eq(memberships.external, true),
            ids.length === 0 ? sql`true` : sql`not (${inArray(memberships.groupId, ids)})`,
          ),
        )
        .returning({ id: memberships.groupId });
      const joined =
        ids.length === 0
          ? []
          : await transaction
              .insert(memberships)
              .values(ids.map((groupId) => ({ groupId, accountId: account.id, external: true })))
              .onConflictDoNothing()
              .returning({ id: memberships.groupId });
      if (left.length + joined.length === 0) return;
      // Sign-ins through the provider stay. An account with a password can have other sign-ins.
      if (joined.length > 0) await endSingleFactorSignIns(transaction, { account: account.id });
      await this.log.appendWithin(transaction, {
        ...auditRowOf(account, requester, 'groups follow the provider', 200),
        detail: { joined: joined.map(({ id }) => id), left: left.map(({ id }) => id) },
      });
    });
  }
}

/** An audit row about the account. */
function auditRowOf({ id, name }: Row, requester: Requester, action: string, status: number): AuditRow {
  return {
    ...requester,
    kind: 'answer',
    accountId: id,
    accountName: name,
    via: 'external login',
    action,
    status,
  };
}

function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '').trim();
}

/**
 * Possible names for a new account. The list begins with the preferred name and ends with a name that is unique. `Basic` does not allow a
 * colon in a name, so colons are replaced.
 */
function namesOf({ iss, sub, preferred_username, email }: ExternalIdentity): string[] {
  const wish = printable(preferred_username ?? email ?? sub).replaceAll(':', '_');
  const mark = createHash('sha256').update(`${iss}\0${sub}`).digest('hex').slice(0, 12);
  const best = wish.slice(0, LONGEST - mark.length - 1);
  return best === '' ? [mark] : [best, `${best}-${mark}`];
}
