import { Inject, Injectable } from '@nestjs/common';
import { and, count, eq } from 'drizzle-orm';
import { z } from 'zod';
import { type AuditedAction, AuditedActions } from '../audit/audited.actions.js';
import { endSingleFactorSignIns } from '../authn/second-factor/single.factor.sign.ins.js';
import { Flag, ListQuery } from '../http/query.pipe.js';
import { DATABASE, type Database } from '../database/database.module.js';
import { accounts, memberships } from '../database/schema.access.js';
import { BadField, NotVisible } from '../problems/errors.js';
import { refuseStale } from './entity.tags.js';
import { Groups } from './groups.service.js';
import { LastAdministrator } from './last.administrator.js';
import { is, matching, orderOf, type Page } from '../http/list.query.js';
import { isGone } from './refused.by.postgres.js';

/** A person or a machine account in a group. */
export const Member = z.union([z.object({ user_id: z.uuid() }), z.object({ account_id: z.uuid() })]);
export type Member = z.output<typeof Member>;

/** A new member: either `user_id` for a person, or `account_id` for a machine account. */
export const NewMember = z
  .strictObject({ user_id: z.uuid().optional(), account_id: z.uuid().optional() })
  .transform(({ user_id, account_id }, context) => {
    if (user_id !== undefined && account_id === undefined) return { kind: 'person' as const, id: user_id };
    if (account_id !== undefined && user_id === undefined)
      return { kind: 'machine' as const, id: account_id };
    context.addIssue({
      code: 'custom',
      path: ['user_id'],
      message: 'Send either user_id or account_id.',
    });
    return z.NEVER;
  });
export type NewMember = z.output<typeof NewMember>;

/** Filters for members: people or machine accounts, and whether the account is disabled. */
export const MembersQuery = ListQuery.extend({
  kind: z.enum(['person', 'machine']).optional(),
  disabled: Flag.optional(),
});
export type MembersQuery = z.output<typeof MembersQuery>;

const SORTABLE = [
  ['name', accounts.name],
  ['kind', accounts.kind],
] as const;

const statusOf = ({ added }: { readonly added: boolean }) => (added ? 201 : 200);

/** Lists, adds and removes the members of groups. Methods throw NotVisible for a missing group or member. */
@Injectable()
export class Members {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly auditedActions: AuditedActions,
    private readonly groups: Groups,
    private readonly lastAdministrator: LastAdministrator,
  ) {}

  async list(groupId: string, query: MembersQuery): Promise<Page<Member>> {
    await this.groups.get(groupId);
    const which = and(
      eq(memberships.groupId, groupId),
      matching(query, accounts.name),
      is(accounts.kind, query.kind),
      is(accounts.disabled, query.disabled),
    );
    const belongs = eq(memberships.accountId, accounts.id);
    const rows = await this.database
      .select({ id: accounts.id, kind: accounts.kind })
      .from(accounts)
      .innerJoin(memberships, belongs)
      .where(which)
      .orderBy(...orderOf(query, SORTABLE, accounts.id))
      .limit(query.limit)
      .offset(query.offset);
    const [counted] = await this.database
      .select({ total: count() })
      .from(accounts)
      .innerJoin(memberships, belongs)
      .where(which);
    return { items: rows.map(memberOf), total: counted?.total ?? 0 };
  }

  async get(groupId: string, id: string): Promise<Member> {
    const [row] = await this.database
      .select({ id: accounts.id, kind: accounts.kind })
      .from(accounts)
      .innerJoin(memberships, eq(memberships.accountId, accounts.id))
      .where(and(eq(memberships.groupId, groupId), eq(accounts.id, id)));
    if (row === undefined) throw new NotVisible();
    return memberOf(row);
  }

  /**
   * Adds an account to a group. `added` is false when the account is a member already. A membership from a claim of the OpenID Connect
   * provider becomes permanent. If the group requires a second factor, the sign-ins of the account without one end. Throws BadField when the account does not exist.
   */
  async add(
    action: AuditedAction,
    groupId: string,
    { kind, id }: NewMember,
  ): Promise<{ member: Member; added: boolean }> {
    await this.groups.get(groupId);
    const [account] = await this.database
      .select({ id: accounts.id })
      .from(accounts)
      .where(and(eq(accounts.id, id), eq(accounts.kind, kind)));
    if (account === undefined)
      throw new BadField(
        'unknown-account',
        kind === 'person' ? 'user_id' : 'account_id',
        'This account does not exist. Use the id of an existing account.',
      );
    action.addFacts({ detail: { id, to_self: id === action.accountId } });
    return this.auditedActions.record(action, statusOf, async (transaction) => {
      const rows = await transaction
        .insert(memberships)
        .values({ groupId, accountId: id })
        .onConflictDoNothing()
        .returning()
        .catch((error: unknown) => {
          throw isGone(error) ? new NotVisible() : error;
        });
      if (rows.length === 0)
        await transaction
          .update(memberships)
          .set({ external: false })
          .where(and(eq(memberships.groupId, groupId), eq(memberships.accountId, id)));
      else await endSingleFactorSignIns(transaction, { account: id });
      return { member: memberOf({ id, kind }), added: rows.length > 0 };
    });
  }

  /** Removes a member. Throws Stale when If-Match does not match. */
  async remove(action: AuditedAction, groupId: string, accountId: string): Promise<void> {
    refuseStale(action, await this.get(groupId, accountId));
    await this.auditedActions.record(action, 204, (transaction) =>
      this.lastAdministrator.guard(transaction, async () => {
        const rows = await transaction
          .delete(memberships)
          .where(and(eq(memberships.groupId, groupId), eq(memberships.accountId, accountId)))
          .returning();
        if (rows.length === 0) throw new NotVisible();
      }),
    );
  }
}

function memberOf({ id, kind }: { id: string; kind: 'person' | 'machine' }): Member {
  return kind === 'person' ? { user_id: id } : { account_id: id };
}
