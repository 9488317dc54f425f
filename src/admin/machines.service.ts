import { Inject, Injectable } from '@nestjs/common';
import { and, eq } from 'drizzle-orm';
import { z } from 'zod';
import { DATABASE, type Database } from '../database/database.module.js';
import { accounts } from '../database/schema.access.js';
import { Conflict, NotVisible } from '../problems/errors.js';
import { AccountName, Assigned } from './fields.js';
import { type ListQuery, matching, orderOf, type Page } from './list.query.js';

/** A machine account: a scanner, a script, another system. */
export interface Machine {
  readonly id: string;
  readonly name: string;
  /** Said of everything it stores; wins over what the images say. */
  readonly institution: string | null;
  readonly issuer: string | null;
  readonly disabled: boolean;
}

export const NewMachine = z.strictObject({
  name: AccountName,
  institution: Assigned.default(null),
  issuer: Assigned.default(null),
  disabled: z.boolean().default(false),
});
export type NewMachine = z.output<typeof NewMachine>;

export const MachineChange = z.strictObject({
  institution: Assigned.optional(),
  issuer: Assigned.optional(),
  disabled: z.boolean().optional(),
});
export type MachineChange = z.output<typeof MachineChange>;

type Row = typeof accounts.$inferSelect;
const isMachine = eq(accounts.kind, 'machine');
const SORTABLE = [
  ['name', accounts.name],
  ['institution', accounts.institution],
  ['issuer', accounts.issuer],
  ['disabled', accounts.disabled],
] as const;

/** The machine accounts. A missing one is NotVisible. */
@Injectable()
export class Machines {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  async list(query: ListQuery): Promise<Page<Machine>> {
    const which = and(isMachine, matching(query, accounts.name));
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

  /** Conflict when the name is taken, in whatever case. */
  async create(machine: NewMachine): Promise<Machine> {
    const [row] = await this.database
      .insert(accounts)
      .values({ kind: 'machine', ...machine })
      .onConflictDoNothing()
      .returning();
    if (row === undefined) throw new Conflict('This name is taken.');
    return machineOf(row);
  }

  async change(id: string, { institution, issuer, disabled }: MachineChange): Promise<Machine> {
    const [row] = await this.database
      .update(accounts)
      // `kind` stays what it is; it keeps an empty change a statement.
      .set({ kind: 'machine', institution, issuer, disabled })
      .where(and(isMachine, eq(accounts.id, id)))
      .returning();
    return found(row);
  }

  /** Its keys and memberships go with it; what it stored stays. */
  async remove(id: string): Promise<void> {
    const [row] = await this.database
      .delete(accounts)
      .where(and(isMachine, eq(accounts.id, id)))
      .returning();
    found(row);
  }
}

function found(row: Row | undefined): Machine {
  if (row === undefined) throw new NotVisible();
  return machineOf(row);
}

function machineOf({ id, name, institution, issuer, disabled }: Row): Machine {
  return { id, name, institution, issuer, disabled };
}
