import { Inject, Injectable } from '@nestjs/common';
import { and, eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import { type AuditedAction, AuditedActions } from '../audit/audited.actions.js';
import { Flag, ListQuery } from '../http/query.pipe.js';
import { DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { accounts } from '../database/schema.access.js';
import { Conflict, NotVisible } from '../problems/errors.js';
import { refuseStale } from './entity.tags.js';
import { AccountName, Assigned } from './fields.js';
import { inGroup, is, matching, orderOf, type Page } from '../http/list.query.js';
import { isSilent } from './senders.service.js';

/** A machine account, for example for a scanner, a script or another system. */
export const Machine = z.object({
  id: z.uuid(),
  name: z.string(),
  institution: z
    .string()
    .nullable()
    .describe(
      'The institution of every instance it stores; it takes precedence over the value in the instance.',
    ),
  issuer: z.string().nullable(),
  disabled: z.boolean(),
  silent_after_minutes: z
    .int()
    .nullable()
    .describe('Minutes without a new instance after which it counts as silent; null: never.'),
});
export type Machine = z.output<typeof Machine>;

const SilentAfter = z.int().min(1).max(527_040).nullable();

export const NewMachine = z.strictObject({
  name: AccountName,
  institution: Assigned.default(null),
  issuer: Assigned.default(null),
  disabled: z.boolean().default(false),
  silent_after_minutes: SilentAfter.default(null),
});
export type NewMachine = z.output<typeof NewMachine>;

export const MachineChange = z.strictObject({
  institution: Assigned.optional(),
  issuer: Assigned.optional(),
  disabled: z.boolean().optional(),
  silent_after_minutes: SilentAfter.optional(),
});
export type MachineChange = z.output<typeof MachineChange>;

type Row = typeof accounts.$inferSelect;
const isMachine = eq(accounts.kind, 'machine');
/** Filters for machine accounts: a group, an institution, whether the account is disabled, and whether the account is silent. */
export const MachinesQuery = ListQuery.extend({
  group: z.uuid().optional(),
  institution: z.string().max(64).optional(),
  disabled: Flag.optional(),
  silent: Flag.optional(),
});
export type MachinesQuery = z.output<typeof MachinesQuery>;

const SORTABLE = [
  ['name', accounts.name],
  ['institution', accounts.institution],
  ['issuer', accounts.issuer],
  ['disabled', accounts.disabled],
] as const;

/** Lists, adds, changes and removes machine accounts. Methods throw NotVisible for a missing account. */
@Injectable()
export class Machines {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly auditedActions: AuditedActions,
  ) {}

  async list(query: MachinesQuery): Promise<Page<Machine>> {
    const which = and(
      isMachine,
      matching(query, accounts.name),
      inGroup(accounts.id, query.group),
      is(accounts.institution, query.institution),
      is(accounts.disabled, query.disabled),
      is(sql`coalesce(${isSilent}, false)`, query.silent),
    );
    const rows = await this.database
      .select()
      .from(accounts)
      .where(which)
      .orderBy(...orderOf(query, SORTABLE, accounts.id))
      .limit(query.limit)
      .offset(query.offset);
    return { items: rows.map(machineOf), total: await this.database.$count(accounts, which) };
  }

  async get(id: string): Promise<Machine> {
    const [row] = await this.database
      .select()
      .from(accounts)
      .where(and(isMachine, eq(accounts.id, id)));
    return found(row);
  }

  /** Adds a machine account. Throws Conflict when the name is taken. Upper and lower case are not distinguished. */
  create(
    action: AuditedAction,
    { silent_after_minutes: silentAfterMinutes, ...machine }: NewMachine,
  ): Promise<Machine> {
    return this.auditedActions.record(action, 201, async (transaction) => {
      const [row] = await transaction
        .insert(accounts)
        .values({ kind: 'machine', silentAfterMinutes, ...machine })
        .onConflictDoNothing()
        .returning();
      if (row === undefined) throw new Conflict('name-taken', 'This name is taken.');
      action.addFacts({ detail: { ...machineOf(row) } });
      return machineOf(row);
    });
  }

  /** Changes a machine account. Throws Stale when If-Match does not match. */
  change(action: AuditedAction, id: string, change: MachineChange): Promise<Machine> {
    const { institution, issuer, disabled, silent_after_minutes: silentAfterMinutes } = change;
    return this.auditedActions.record(action, 200, async (transaction) => {
      await known(transaction, action, id);
      action.addFacts({ detail: change });
      const [row] = await transaction
        .update(accounts)
        // SET needs at least one column. `kind` has this value already.
        .set({ kind: 'machine', institution, issuer, disabled, silentAfterMinutes })
        .where(eq(accounts.id, id))
        .returning();
      return found(row);
    });
  }

  /**
   * Removes a machine account with its keys and memberships. The instances that the account stored are kept. Throws Stale when If-Match
   * does not match.
   */
  async remove(action: AuditedAction, id: string): Promise<void> {
    await this.auditedActions.record(action, 204, async (transaction) => {
      const { name } = await known(transaction, action, id);
      action.addFacts({ detail: { name } });
      await transaction.delete(accounts).where(eq(accounts.id, id));
    });
  }
}

async function known(transaction: Transaction, action: AuditedAction, id: string): Promise<Machine> {
  const [row] = await transaction
    .select()
    .from(accounts)
    .where(and(isMachine, eq(accounts.id, id)))
    .for('update');
  const machine = found(row);
  refuseStale(action, machine);
  return machine;
}

function found(row: Row | undefined): Machine {
  if (row === undefined) throw new NotVisible();
  return machineOf(row);
}

function machineOf({ id, name, institution, issuer, disabled, silentAfterMinutes }: Row): Machine {
  return { id, name, institution, issuer, disabled, silent_after_minutes: silentAfterMinutes };
}
