import { Inject, Injectable } from '@nestjs/common';
import { and, eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import { type AuditedAction, AuditedActions } from '../audit/audited.actions.js';
import { endSingleFactorSignIns } from '../authn/second-factor/single.factor.sign.ins.js';
import { ListQuery } from '../http/query.pipe.js';
import { Right } from '../authz/rights.js';
import { DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { groups } from '../database/schema.access.js';
import { Conflict, NotVisible } from '../problems/errors.js';
import { refuseStale } from './entity.tags.js';
import { Name, DisplayText } from './fields.js';
import { LastAdministrator } from './last.administrator.js';
import { matching, orderOf, type Page } from '../http/list.query.js';
import { isTaken } from './refused.by.postgres.js';

/** A group. Each member of a group has all grants of the group. */
export const Group = z.object({
  id: z.uuid(),
  name: z.string(),
  description: z.string(),
  requires_second_factor: z
    .boolean()
    .describe('Whether members need a second factor to sign in with their password.'),
});
export type Group = z.output<typeof Group>;

export const NewGroup = z.strictObject({
  name: Name,
  description: DisplayText.default(''),
  requires_second_factor: z.boolean().default(false),
});
export type NewGroup = z.output<typeof NewGroup>;

export const GroupChange = z.strictObject({
  name: Name.optional(),
  description: DisplayText.optional(),
  requires_second_factor: z.boolean().optional(),
});
export type GroupChange = z.output<typeof GroupChange>;

type Row = typeof groups.$inferSelect;
/** Filters for groups: groups with this account as a member, and groups with a grant of this right. */
export const GroupsQuery = ListQuery.extend({ member: z.uuid().optional(), right: Right.optional() });
export type GroupsQuery = z.output<typeof GroupsQuery>;

const SORTABLE = [
  ['name', groups.name],
  ['description', groups.description],
] as const;

/** Lists, adds, changes and removes groups. Methods throw NotVisible for a missing group. */
@Injectable()
export class Groups {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly auditedActions: AuditedActions,
    private readonly lastAdministrator: LastAdministrator,
  ) {}

  async list(query: GroupsQuery): Promise<Page<Group>> {
    const { member, right } = query;
    const which = and(
      matching(query, groups.name, groups.description),
      member === undefined
        ? undefined
        : sql`exists (select from memberships m where m.group_id = ${groups.id} and m.account_id = ${member})`,
      right === undefined
        ? undefined
        : sql`exists (select from grants g where g.group_id = ${groups.id} and ${right} = any (g.rights))`,
    );
    const rows = await this.database
      .select()
      .from(groups)
      .where(which)
      .orderBy(...orderOf(query, SORTABLE, groups.id))
      .limit(query.limit)
      .offset(query.offset);
    return { items: rows.map(groupOf), total: await this.database.$count(groups, which) };
  }

  async get(id: string): Promise<Group> {
    const [row] = await this.database.select().from(groups).where(eq(groups.id, id));
    return found(row);
  }

  /** Adds a group. Throws Conflict when the name is taken. Upper and lower case are not distinguished. */
  create(action: AuditedAction, group: NewGroup): Promise<Group> {
    return this.auditedActions.record(action, 201, async (transaction) => {
      const { requires_second_factor: requiresSecondFactor, ...named } = group;
      const [row] = await transaction
        .insert(groups)
        .values({ ...named, requiresSecondFactor })
        .onConflictDoNothing()
        .returning();
      if (row === undefined) throw new Conflict('name-taken', 'This name is taken.');
      action.addFacts({ detail: { id: row.id, name: row.name } });
      return groupOf(row);
    });
  }

  /**
   * Changes a group. If it begins to require a second factor, the sign-ins of its members without one end. Throws Stale when If-Match does
   * not match, and Conflict when the name is taken.
   */
  change(action: AuditedAction, id: string, change: GroupChange): Promise<Group> {
    const { name, description, requires_second_factor: requiresSecondFactor } = change;
    return this.auditedActions.record(action, 200, async (transaction) => {
      await known(transaction, action, id);
      action.addFacts({ detail: { ...change } });
      const [row] = await transaction
        .update(groups)
        .set({ name: name ?? sql`${groups.name}`, description, requiresSecondFactor })
        .where(eq(groups.id, id))
        .returning()
        .catch((error: unknown) => {
          throw isTaken(error) ? new Conflict('name-taken', 'This name is taken.') : error;
        });
      if (requiresSecondFactor === true)
        action.addFacts({
          detail: { ended_sign_ins: await endSingleFactorSignIns(transaction, { group: id }) },
        });
      return found(row);
    });
  }

  /** Removes a group with its grants and memberships. Throws Stale when If-Match does not match. */
  async remove(action: AuditedAction, id: string): Promise<void> {
    await this.auditedActions.record(action, 204, (transaction) =>
      this.lastAdministrator.guard(transaction, async () => {
        const { name } = await known(transaction, action, id);
        action.addFacts({ detail: { name } });
        await transaction.delete(groups).where(eq(groups.id, id));
      }),
    );
  }
}

async function known(transaction: Transaction, action: AuditedAction, id: string): Promise<Group> {
  const [row] = await transaction.select().from(groups).where(eq(groups.id, id)).for('update');
  const group = found(row);
  refuseStale(action, group);
  return group;
}

function found(row: Row | undefined): Group {
  if (row === undefined) throw new NotVisible();
  return groupOf(row);
}

function groupOf({ id, name, description, requiresSecondFactor }: Row): Group {
  return { id, name, description, requires_second_factor: requiresSecondFactor };
}
